"""A stack's parameters brought to what they should be by an update of their own, before the one that matters.

CloudFormation takes back whatever an update that fails has changed. What was told before stays told.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.cloudformation import change_set, deploy
from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.stacks import Log, StackDescription, Wait, describe
from pipeline.errors import RolloutRefusedError
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


def apply(
    cloudformation: "CloudFormationClient",
    current: StackDescription,
    template: Template,
    changed: Mapping[str, str],
    log: Log,
    wait: Wait,
    timeout: float,
    *,
    what: str,
    kind: str,
) -> StackDescription:
    """Give a settled stack other values of some parameters and of nothing else; the stack as it is then.

    what: of what they tell the stack. kind: the resource type that they may change. Raises
    RolloutRefusedError where more would change, and what stack.execute raises.
    """
    changes = change_set.create_for_parameters(
        cloudformation, current.name, current.parameters, changed, wait
    )
    if isinstance(changes, change_set.NoChanges):
        return current
    gone = replaced(changes.changes)
    others = [c for c in changes.changes if c.type != kind and not only_refers(c, gone)]
    if others:
        change_set.discard(cloudformation, changes)
        raise RolloutRefusedError(
            f"{current.name} can't be told {what} without changing more than that",
            why=", ".join(change.logical_id for change in others),
            next_step=f"let {', '.join(changed)} stand in nothing but the template's {kind}",
        )
    before = {key: current.parameters[key] for key in changed}
    log(f"telling the stack {what}: {_shown(changed)} (it had {_shown(before)})")
    deploy.execute(cloudformation, changes, template, log, wait, timeout=timeout)
    return describe(cloudformation, current.name) or current


def only_refers(change: ResourceChange, gone: set[str]) -> bool:
    """CloudFormation lists what refers to a changed resource, and leaves it alone if the reference stays."""
    return change.action == "Modify" and all(
        detail.referred_to and detail.referred_to not in gone for detail in change.details
    )


def replaced(changes: Sequence[ResourceChange], *, perhaps: bool = False) -> set[str]:
    """The logical ids of what is not there afterwards as it was before; with `perhaps`, may not be."""
    words = ("True", "Conditional") if perhaps else ("True",)
    return {c.logical_id for c in changes if c.action != "Modify" or c.replacement in words}


def _shown(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value or 'none'}" for key, value in sorted(values.items()))
