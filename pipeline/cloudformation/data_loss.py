"""What a change set would do to resources that hold data, and the refusal where nobody named them.

Besides, a stack that holds data has a stack policy, which holds for any update, also one past Slipway:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
What becomes of a resource that is replaced or removed, its UpdateReplacePolicy or DeletionPolicy decides:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cloudformation import resources
from pipeline.cloudformation.change_set import Changes, ResourceChange
from pipeline.errors import DataLossError
from pipeline.graph import template as templates
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

_FATES = {
    "Delete": "its data is deleted with it",
    "Retain": "it stays in the account with its data, outside of every stack",
    "Snapshot": "a last snapshot is taken of it, and it is deleted",
}
_UNKNOWN_FATE = "its data is deleted with it, unless its {} says otherwise"


@dataclass(frozen=True)
class Named:
    """What somebody named as meant to be replaced or removed (`rds-database/Database`), and the command by
    which to name more.
    """

    command: str
    resources: frozenset[str] = frozenset()


NOTHING = Named("python -m pipeline deploy ENV")


@dataclass(frozen=True)
class Loss:
    """A change that replaces or removes, or may replace, a resource that holds data."""

    template: Template
    change: ResourceChange

    @property
    def name(self) -> str:
        """`rds-database/Database`, as --replace takes it."""
        return f"{self.template.name}/{self.change.logical_id}"

    @property
    def where(self) -> str:
        return self.template.where(self.change.logical_id)

    @property
    def told(self) -> str:
        """`rds-database/Database holds data and would be replaced`."""
        certain = self.change.replacement != "Conditional" and self.change.action != "Dynamic"
        word = "replaced" if self.change.action == "Modify" else "removed"
        return f"{self.name} holds data and would {'' if certain else 'perhaps '}be {word}"

    @property
    def cause(self) -> str:
        """What forces it: the properties that change, or that the template no longer has the resource."""
        if self.change.action == "Modify" and self.change.forced_by:
            return f"a change of {', '.join(self.change.forced_by)} makes another one in its place"
        return (
            f"{self.template.path} asks for another one"
            if self.change.action == "Modify"
            else (f"{self.template.path} no longer has it")
        )

    @property
    def fate(self) -> str:
        """What becomes of the data."""
        policy = "UpdateReplacePolicy" if self.change.action == "Modify" else "DeletionPolicy"
        known = _FATES.get(self.change.policy_action.removeprefix("ReplaceAnd"))
        return known or _UNKNOWN_FATE.format(policy)


def find(cloudformation: "CloudFormationClient", found: Changes, template: Template) -> list[Loss]:
    """The resources with data that a change set would replace or remove, or may replace."""
    gone = [change for change in found.changes if change.removes_what_is_there]
    doubtful = [c for c in gone if c.action != "Modify" and not _holds_data(c, template)]
    deployed = _deployed(cloudformation, found.stack_id, template) if doubtful else template
    return [
        Loss(template, change)
        for change in gone
        if _holds_data(change, template)
        or (change in doubtful and deployed.holds_data(change.logical_id, change.type))
    ]


def refuse(losses: Sequence[Loss], named: Named) -> None:
    """Raises DataLossError where a loss was not named."""
    failure = failure_of(losses, named)
    if failure is not None:
        raise failure


def failure_of(losses: Sequence[Loss], named: Named) -> DataLossError | None:
    """The error for the losses that were not named; None where there is none."""
    unnamed = [loss for loss in losses if loss.name not in named.resources]
    if not unnamed:
        return None
    every = sorted({*named.resources, *(loss.name for loss in unnamed)})
    command = " ".join([named.command, *(f"--replace {name}" for name in every)])
    first, *others = unnamed
    also = [(loss.where, f"{loss.told}: {loss.cause}; {loss.fate}") for loss in others]
    return DataLossError(
        first.told,
        why=f"{first.cause}; {first.fate}",
        next_step=f"change infra/ so that it stays; or, if you mean it: {command}",
        details=[words for _, words in also],
        where=first.where,
        also=also,
    )


def protect(
    cloudformation: "CloudFormationClient", stack: str, template: Template, lifted: Collection[str] = ()
) -> None:
    """Let an update of a stack, by name or id, neither replace nor delete what holds data.

    lifted: the logical ids that the next update may replace or delete. (ExecuteChangeSet takes no policy for
    the time of the update.) The policy names what is in the stack now: CloudFormation refuses a policy
    with a logical id that it does not know.
    """
    there = resources.read(cloudformation, stack).types
    held = sorted(name for name, kind in there.items() if template.holds_data(name, kind) or name in lifted)
    if held:
        policy = stack_policy([name for name in held if name not in lifted])
        cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=policy)


def stack_policy(held: Collection[str]) -> str:
    """A stack policy that allows every update but one that replaces or deletes what `held` names."""
    statements: list[dict[str, object]] = [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    ]
    if held:
        statements.append(
            {
                "Effect": "Deny",
                "Action": ["Update:Replace", "Update:Delete"],
                "Principal": "*",
                "Resource": [f"LogicalResourceId/{name}" for name in held],
            }
        )
    return json.dumps({"Statement": statements})


def _holds_data(change: ResourceChange, template: Template) -> bool:
    kept = change.policy_action.removeprefix("ReplaceAnd") in ("Retain", "Snapshot")
    return kept or template.holds_data(change.logical_id, change.type)


def _deployed(cloudformation: "CloudFormationClient", stack_id: str, template: Template) -> Template:
    """The stack's template as it was deployed: the marks of what the new template no longer has."""
    body = cloudformation.get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
    # The SDK reads a template that is JSON; the types say that it is always text.
    text = body if isinstance(body, str) else json.dumps(body)
    return templates.parse(template.name, f"the deployed {template.path}", text)
