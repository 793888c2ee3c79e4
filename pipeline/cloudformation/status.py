"""A stack's status as a value with predicates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html lists the statuses.
"""

from dataclasses import dataclass

_NEVER_LIVED = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"})
_STUCK = frozenset({"UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"})
_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


@dataclass(frozen=True)
class StackStatus:
    """Exactly one of `in_progress`, `must_be_cleared`, `needs_a_person`, `ready` and `gone` is true."""

    name: str

    @property
    def in_progress(self) -> bool:
        """CloudFormation is at work. In REVIEW_IN_PROGRESS it is not: the change set waits to be executed."""
        return self.name.endswith("_IN_PROGRESS") and not self.in_review

    @property
    def in_review(self) -> bool:
        """The change set that creates the stack was not executed: the stack has no resources and no tags."""
        return self.name == "REVIEW_IN_PROGRESS"

    @property
    def must_be_cleared(self) -> bool:
        """The creation failed, so nothing lives in the stack. CloudFormation can only delete such a stack."""
        return self.name in _NEVER_LIVED

    @property
    def needs_a_person(self) -> bool:
        """Somebody must decide first: CloudFormation takes no update. In UPDATE_FAILED, where the update's
        rollback was turned off, an update would go on from half of what was asked for.
        """
        return self.name in _STUCK

    @property
    def ready(self) -> bool:
        """CloudFormation takes an update now, also after a rollback."""
        return not (self.in_progress or self.must_be_cleared or self.needs_a_person or self.gone)

    @property
    def rolls_back(self) -> bool:
        """CloudFormation is putting the former state back."""
        return self.in_progress and "ROLLBACK" in self.name

    @property
    def gone(self) -> bool:
        """CloudFormation has deleted the stack."""
        return self.name == "DELETE_COMPLETE"

    @property
    def succeeded(self) -> bool:
        """The last operation did what was asked. A rollback, complete or not, is no success."""
        return self.name in _GOOD

    def __str__(self) -> str:
        return self.name
