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
    may change. writes: the one resource of that kind that must not be written before the stack was told; ""
    for all of the kind.
    """

    changed: Mapping[str, str]
    what: str
    kind: str
    writes: str = ""

    def told(self, current: StackDescription) -> str:
        """The values, and those that the stack has."""
        before = {key: current.parameters[key] for key in self.changed}
        return f"{self.what}: {_shown(self.changed)} (it had {_shown(before)})"

    def moved(self, changes: Sequence[ResourceChange]) -> list[str]:
        """What would change besides, for something outside of the template moved: a value in SSM, a macro, an
        include, a nested template. The template is the stack's own, so nothing else is left. Nothing where it
        is one of these parameters that changes too much.
        """
        others = self._others(changes)
        own = any(detail.cause in self.changed for change in others for detail in change.details)
        return [] if own else [change.logical_id for change in others]

    def refuse_to_write(self, changes: Sequence[ResourceChange]) -> None:
        """Raises RolloutRefusedError where a release would write what the stack was to be told of first, and
        was not, since something moved. A release that leaves it alone is safe, and so is its rollback.
        """
        gone = replaced(changes)
        written = [
            change.logical_id
            for change in changes
            if change.type == self.kind
            and self.writes in ("", change.logical_id)
            and change.action != "Add"
            and not only_refers(change, gone)
        ]
        if written:
            raise RolloutRefusedError(
                f"this update would write {', '.join(written)} before the stack was told {self.what}",
                why="the stack can't be told while something that it reads from outside of its template has "
                "another value than at its last update",
                next_step=f"deploy without the change of {', '.join(written)} first; or put the former value "
                "back where it lies outside, deploy, and change both then",
            )

    def refuse_more(self, changes: Sequence[ResourceChange], current: StackDescription) -> None:
        """Raises RolloutRefusedError where a change set would change more than resources of the kind."""
        if others := self._others(changes):
            raise RolloutRefusedError(
                f"{current.name} can't be told {self.what} without changing more than that",
                why=", ".join(change.logical_id for change in others),
                next_step=f"let {', '.join(self.changed)} stand in nothing but the template's {self.kind}",
            )

    def _others(self, changes: Sequence[ResourceChange]) -> list[ResourceChange]:
        gone = replaced(changes)
        return [c for c in changes if c.type != self.kind and not only_refers(c, gone)]


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
