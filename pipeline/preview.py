"""A change set made only to be read, and taken away again with all that it made."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from pipeline import change_set, stack_state
from pipeline.change_set import Changes, NoChanges, Wanted
from pipeline.setting import Setting

Say = Callable[[str], None]


def of(setting: Setting, wanted: Wanted, live: stack_state.Live | None, say: Say) -> Changes | NoChanges:
    """What a deploy would change. Raises what change_set.create raises."""
    cloudformation: Any = setting.aws.client("cloudformation")
    new = live is None
    outcome = None
    try:
        outcome = change_set.create(cloudformation, wanted, setting.wait, new=new)
    finally:
        if isinstance(outcome, Changes) and not new:
            change_set.discard(cloudformation, outcome)
        if new:
            _forget_review(setting, wanted, say)
    return outcome


def _forget_review(setting: Setting, wanted: Wanted, say: Say) -> None:
    """A change set for a stack that is not there leaves an empty one in REVIEW_IN_PROGRESS behind."""
    cloudformation = setting.aws.client("cloudformation")
    left = stack_state.describe(cloudformation, wanted.name)
    if left is not None and left.status.in_review:
        try:
            stack_state.delete(cloudformation, left, None, say, setting.wait, timeout=120, quietly=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            say(f"{wanted.name} is left behind, empty: this role deletes none; the next release clears it")
