"""A stack as it is, and what is refused or advised because of that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.cloudformation.events import does_not_exist
from pipeline.cloudformation.status import StackStatus
from pipeline.errors import ProtectedError, StackStuckError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

OURS = {"managed-by": "slipway"}
"""The tag of every stack that Slipway made or took over."""

TEMPLATE_IS_GONE = "its template is gone from infra/; no deploy touches it, and `destroy` deletes it too"
"""What to know of a stack of an environment for which there is no template any more."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class StackDescription:
    """A stack as DescribeStacks shows it."""

    name: str
    stack_id: str
    status: StackStatus
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    changed_at: str
    """LastUpdatedTime, or CreationTime before the first update: different after any update by anybody."""

    def command(self, verb: str) -> str:
        """The AWS CLI's command about this stack, for an error to recommend; its id names the region."""
        region = self.stack_id.split(":")[3]
        return f"aws cloudformation {verb} --stack-name {self.name} --region {region}"


def describe(cloudformation: "CloudFormationClient", name: str) -> StackDescription | None:
    """The stack, by name or id, or None where there is none (a deleted one counts as none)."""
    try:
        answer = cloudformation.describe_stacks(StackName=name)
    except ClientError as error:
        if does_not_exist(error):
            return None
        raise
    stacks = answer["Stacks"]
    return _current(stacks[0]) if stacks and stacks[0]["StackStatus"] != "DELETE_COMPLETE" else None


def tagged(cloudformation: "CloudFormationClient", tags: Mapping[str, str]) -> list[StackDescription]:
    """Every stack in the region that carries all of `tags`, the newest first; not those that belong to
    another stack, which hands its tags down to them.
    """
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = [raw for page in pages for raw in page["Stacks"]]
    found.sort(key=lambda raw: raw["CreationTime"], reverse=True)
    own = [raw for raw in found if not raw.get("ParentId")]
    stacks = [_current(raw) for raw in own if raw["StackStatus"] != "DELETE_COMPLETE"]
    return [stack for stack in stacks if tags.items() <= stack.tags.items()]


def must_be_ours(
    current: StackDescription, tags: Mapping[str, str], next_step: str, what: str = "was not made by Slipway"
) -> None:
    """Raises ProtectedError for a stack that lacks any of `tags`, unless there is nothing in it."""
    lacking = [f"{key}={value}" for key, value in tags.items() if current.tags.get(key) != value]
    if lacking and not current.status.in_review:
        raise ProtectedError(
            f"stack {current.name} {what}",
            why=f"it does not carry the tag {', '.join(lacking)}",
            next_step=next_step,
        )


def stuck(current: StackDescription) -> StackStuckError:
    """The error for a state only a person can resolve, with the command that helps."""
    cures = {
        "UPDATE_ROLLBACK_FAILED": f"mend the cause, then: {current.command('continue-update-rollback')}"
        " (add --resources-to-skip LOGICAL_ID for what can't be mended)",
        # By somebody's --disable-rollback; Slipway never asks for that.
        "UPDATE_FAILED": f"put back what was before: {current.command('rollback-stack')}; then deploy again",
        "DELETE_FAILED": delete_by_hand(current),
    }
    # In any other state nothing that helps is harmless.
    look = f"see what failed: {current.command('describe-stack-events')}"
    look += " (to delete the stack would delete what lives in it)"
    next_step = cures.get(current.status.name, look)
    return StackStuckError(
        f"stack {current.name} is {current.status}", why=current.reason, next_step=next_step
    )


def delete_by_hand(current: StackDescription) -> str:
    """What to do about a stack whose deletion failed."""
    return f"remove what holds the resource that stayed, then: {current.command('delete-stack')}"


def _current(stack: "StackTypeDef") -> StackDescription:
    return StackDescription(
        name=stack["StackName"],
        stack_id=stack["StackId"],
        status=StackStatus(stack["StackStatus"]),
        reason=stack.get("StackStatusReason", ""),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", [])},
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in stack.get("Tags", [])},
        changed_at=str(stack.get("LastUpdatedTime") or stack["CreationTime"]),
    )
