"""A stack's status as a value with predicates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html lists them.
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
        """CloudFormation is at work. In REVIEW_IN_PROGRESS it is not: an empty stack waits for a person."""
        return self.name.endswith("_IN_PROGRESS") and not self.in_review

    @property
    def in_review(self) -> bool:
        """A change set is to create it and was not executed: it has no resources, and no tags."""
        return self.name == "REVIEW_IN_PROGRESS"

    @property
    def must_be_cleared(self) -> bool:
        """Its creation never ended well, so nothing lived in it; it can only be deleted and made again."""
        return self.name in _NEVER_LIVED

    @property
    def needs_a_person(self) -> bool:
        """Somebody must decide first: CloudFormation takes no update, or in UPDATE_FAILED, where the update's
        own rollback was turned off, only one that goes on from half of what was asked.
        """
        return self.name in _STUCK

    @property
    def ready(self) -> bool:
        """Settled, and an update may start (after a rollback, too)."""
        return not (self.in_progress or self.must_be_cleared or self.needs_a_person or self.gone)

    @property
    def rolls_back(self) -> bool:
        """CloudFormation is putting the former state back."""
        return self.in_progress and "ROLLBACK" in self.name

    @property
    def gone(self) -> bool:
        return self.name == "DELETE_COMPLETE"

    @property
    def succeeded(self) -> bool:
        """The last operation did what it was asked. A rollback, complete or not, never is a success."""
        return self.name in _GOOD

    def __str__(self) -> str:
        return self.name
