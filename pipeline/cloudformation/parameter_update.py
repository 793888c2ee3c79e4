"""An update of a stack's parameters and of nothing else, before the update that may fail.

CloudFormation takes back whatever an update that fails has changed. What an update before it changed stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.stacks import StackDescription
from pipeline.errors import RolloutRefusedError


@dataclass(frozen=True)
class ParameterUpdate:
    """Other values of some parameters. what: of what they tell the stack. kind: the resource type that they
    may change.
    """

    changed: Mapping[str, str]
    what: str
    kind: str

    def told(self, current: StackDescription) -> str:
        """The values, and those that the stack has."""
        before = {key: current.parameters[key] for key in self.changed}
        return f"{self.what}: {_shown(self.changed)} (it had {_shown(before)})"

    def refuse_more(self, changes: Sequence[ResourceChange], current: StackDescription) -> None:
        """Raises RolloutRefusedError where a change set would change more than resources of the kind."""
        gone = replaced(changes)
        others = [c for c in changes if c.type != self.kind and not only_refers(c, gone)]
        if others:
            raise RolloutRefusedError(
                f"{current.name} can't be told {self.what} without changing more than that",
                why=", ".join(change.logical_id for change in others),
                next_step=f"let {', '.join(self.changed)} stand in nothing but the template's {self.kind}",
            )


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
