"""Change sets: made, read to the end, and taken away. "Nothing to change" is a type, not a string match.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.aws.retries import DoneBefore
from pipeline.cloudformation import early_validation, stale_change_sets
from pipeline.graph.template import Template
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient, type_defs
    from types_boto3_cloudformation.literals import CapabilityType

CAPABILITIES: "list[CapabilityType]" = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_TIMEOUT = 600
"""Seconds until a change set can be read."""
# "Conditional" without a condition: AWS's own handler replaces an instance for none of these, as the user
# guide says ("Some interruptions"; read on 2026-12-01). The handler's conditions are in ImmutabilityHelper of
# https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds (5a410e8). The storage type:
# https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1788
_NEVER_REPLACES = {
    "AWS::RDS::DBInstance": frozenset(
        {
            "AutoMinorVersionUpgrade",
            "BackupRetentionPeriod",
            "DBParameterGroupName",
            "MultiAZ",
            "PreferredMaintenanceWindow",
            "StorageType",
        }
    )
}
# CloudFormation has no code of its own for an empty change set, only these sentences.
_EMPTY = ("didn't contain changes", "No updates are to be performed", "no changes", "No changes")


@dataclass(frozen=True)
class StackSpec:
    """A stack as it should be. reads: name -> version of what it reads from outside of its template."""

    name: str
    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    reads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Detail:
    """One cause of a change. path: the property; source: DirectModification, ParameterReference,
    ResourceReference, ...; cause: the parameter, or the resource's logical id, perhaps with its attribute;
    recreation: Never, Conditionally or Always, whether the property's change replaces the resource.
    """

    path: str
    source: str = "DirectModification"
    cause: str = ""
    recreation: str = "Never"

    @property
    def name(self) -> str:
        """The property that changes, of which `path` may be a part."""
        return self.path.removeprefix("Properties/").partition("/")[0]

    @property
    def referred_to(self) -> str:
        """The logical id of the resource that this follows from, or nothing where it follows from none."""
        return self.cause.partition(".")[0] if self.source.startswith("Resource") else ""


@dataclass(frozen=True)
class ResourceChange:
    """One resource's change. action: Add, Modify, Remove, Import, or Dynamic where AWS can't tell yet.
    replacement: True, False or Conditional, AWS's word but for a condition that can't come true. paths: what
    changes. policy_action: what becomes of what is there: Delete, Retain, Snapshot, ReplaceAndDelete, ...; ""
    where AWS does not say.
    """

    action: str
    logical_id: str
    type: str
    replacement: str = "False"
    paths: tuple[str, ...] = ()
    details: tuple[Detail, ...] = field(default=(), compare=False)
    policy_action: str = ""

    @property
    def removes_what_is_there(self) -> bool:
        """Perhaps, too: Conditional and Dynamic are AWS's words for what only the update itself decides."""
        gone = self.action in ("Remove", "Dynamic")
        return gone or (self.action == "Modify" and self.replacement != "False")

    @property
    def forced_by(self) -> tuple[str, ...]:
        """The properties whose change replaces the resource; all that change where AWS names none."""
        forcing = [detail.path for detail in self.details if detail.recreation != "Never"]
        return tuple(dict.fromkeys(forcing)) or self.paths


@dataclass(frozen=True)
class Changes:
    """A change set that can be executed."""

    arn: str
    stack_id: str
    changes: Sequence[ResourceChange]


@dataclass(frozen=True)
class NoChanges:
    """The stack is as wanted already."""

    reason: str


def create(
    cloudformation: "CloudFormationClient", spec: StackSpec, wait: Wait, *, new: bool, name: str | None = None
) -> Changes | NoChanges:
    """Create a change set and wait until it can be read. name: of `new_name`.

    Raises StackFailedError with AWS's reason where it can't be created.
    """
    if not new:
        stale_change_sets.clear(cloudformation, spec.name)
    request: type_defs.CreateChangeSetInputTypeDef = {
        "StackName": spec.name,
        "ChangeSetName": name or new_name(),
        "ChangeSetType": "CREATE" if new else "UPDATE",
        "TemplateBody": spec.template.body,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(spec.parameters.items())],
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(spec.tags.items())],
    }
    return _create(cloudformation, request, wait, spec.template.where)


def create_for_parameters(
    cloudformation: "CloudFormationClient",
    stack_name: str,
    before: Mapping[str, str],
    changed: Mapping[str, str],
    wait: Wait,
) -> Changes | NoChanges:
    """A change set of an existing stack that gives some parameters other values and leaves all else.

    before: all parameters that the stack has. Raises StackFailedError as `create` does.
    """
    stale_change_sets.clear(cloudformation, stack_name)
    parameters: list[type_defs.ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": changed[key]}
        if key in changed
        else {"ParameterKey": key, "UsePreviousValue": True}
        for key in sorted(before)
    ]
    request: type_defs.CreateChangeSetInputTypeDef = {
        "StackName": stack_name,
        "ChangeSetName": new_name(),
        "ChangeSetType": "UPDATE",
        "UsePreviousTemplate": True,
        "Parameters": parameters,
    }
    return _create(cloudformation, request, wait)


def new_name() -> str:
    """A name that no other change set has."""
    return f"{stale_change_sets.PREFIX}{uuid.uuid4()}"


def discard(cloudformation: "CloudFormationClient", changes: Changes) -> None:
    """Take a change set away that is not going to be executed."""
    _delete(cloudformation, changes.arn, changes.stack_id)


def _create(
    cloudformation: "CloudFormationClient",
    request: "type_defs.CreateChangeSetInputTypeDef",
    wait: Wait,
    where: Callable[[str], str] = lambda _: "",
) -> Changes | NoChanges:
    # With a token, a request that botocore sends again because its answer was lost asks for nothing new.
    request = {**request, "ClientToken": request["ChangeSetName"], "Capabilities": CAPABILITIES}
    stack_name = request["StackName"]
    arn, stack_id = _ask(cloudformation, request)

    def probe() -> "type_defs.DescribeChangeSetOutputTypeDef | None":
        answer = cloudformation.describe_change_set(ChangeSetName=arn, StackName=stack_id)
        return answer if answer["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    answer = wait(probe, what=f"the change set of {stack_name}", timeout=_TIMEOUT)
    if answer["Status"] == "FAILED":
        reason = answer.get("StatusReason", "")
        empty = any(sentence in reason for sentence in _EMPTY)
        failure = None if empty else early_validation.failure(cloudformation, stack_name, arn, reason, where)
        _delete(cloudformation, arn, stack_id)
        if failure is not None:
            raise failure
        return NoChanges(reason)
    changes = list(answer.get("Changes", []))
    while token := answer.get("NextToken"):
        answer = cloudformation.describe_change_set(ChangeSetName=arn, StackName=stack_id, NextToken=token)
        changes.extend(answer.get("Changes", []))
    return Changes(arn, stack_id, [_change(c["ResourceChange"]) for c in changes if "ResourceChange" in c])


def _ask(
    cloudformation: "CloudFormationClient", request: "type_defs.CreateChangeSetInputTypeDef"
) -> tuple[str, str]:
    """The ids of the change set and of its stack."""
    with DoneBefore("AlreadyExistsException"):
        made = cloudformation.create_change_set(**request)
        return made["Id"], made["StackId"]
    there = cloudformation.describe_change_set(
        ChangeSetName=request["ChangeSetName"], StackName=request["StackName"]
    )
    return there["ChangeSetId"], there["StackId"]


def _delete(cloudformation: "CloudFormationClient", arn: str, stack_id: str) -> None:
    with DoneBefore("ChangeSetNotFound"):
        cloudformation.delete_change_set(ChangeSetName=arn, StackName=stack_id)


def summary(changes: Sequence[ResourceChange]) -> str:
    """`2 to add, 1 to modify, 1 to replace`."""
    words = Counter(
        "replace" if c.action == "Modify" and c.replacement == "True" else c.action.lower() for c in changes
    )
    return ", ".join(f"{count} to {word}" for word, count in words.items()) or "outputs or tags only"


def _change(raw: "type_defs.ResourceChangeTypeDef") -> ResourceChange:
    details = [
        Detail(
            path=str(target.get("Path") or target.get("Name") or target.get("Attribute", "")).strip("/"),
            source=detail.get("ChangeSource", "DirectModification"),
            cause=detail.get("CausingEntity", ""),
            recreation=target.get("RequiresRecreation", "Never"),
        )
        for detail in raw.get("Details", [])
        if (target := detail.get("Target"))
    ]
    return ResourceChange(
        action=raw["Action"],
        logical_id=raw["LogicalResourceId"],
        type=raw["ResourceType"],
        replacement=_replacement(raw, details),
        paths=tuple(dict.fromkeys(detail.path for detail in details)),
        details=tuple(details),
        policy_action=raw.get("PolicyAction", ""),
    )


def _replacement(raw: "type_defs.ResourceChangeTypeDef", details: Sequence[Detail]) -> str:
    told = raw.get("Replacement", "False")
    perhaps = {detail.name for detail in details if detail.recreation != "Never"}
    never = _NEVER_REPLACES.get(raw["ResourceType"], frozenset())
    return "False" if told == "Conditional" and perhaps and perhaps <= never else told
