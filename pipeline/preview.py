"""A change set made only to be read, and taken away again with all that it made."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from pipeline import change_set, leftovers, stack_state
from pipeline.change_set import Changes, NoChanges, Wanted
from pipeline.setting import Setting

Say = Callable[[str], None]


def of(setting: Setting, wanted: Wanted, live: stack_state.Live | None, say: Say) -> Changes | NoChanges:
    """What a deploy would change. Raises what change_set.create raises."""
    cloudformation: Any = setting.aws.client("cloudformation")
    name = change_set.new_name()
    outcome = None
    try:
        outcome = change_set.create(cloudformation, wanted, setting.wait, new=live is None, name=name)
    finally:
        if isinstance(outcome, Changes):
            change_set.discard(cloudformation, outcome)
        if live is None:
            _forget_review(setting, wanted, name, say)
    return outcome


def _forget_review(setting: Setting, wanted: Wanted, change_set_name: str, say: Say) -> None:
    """A change set for a stack that is not there leaves an empty one in REVIEW_IN_PROGRESS behind. To delete
    it would delete the change set that somebody else has in it by now: then it is theirs to take away.
    """
    cloudformation = setting.aws.client("cloudformation")
    left = stack_state.describe(cloudformation, wanted.name)
    if left is None or not left.status.in_review:
        return
    if leftovers.others(cloudformation, left.name, left.stack_id, change_set_name):
        return
    try:
        stack_state.delete(cloudformation, left, None, say, setting.wait, timeout=120, quietly=True)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        say(f"{wanted.name} is left behind, empty: this role deletes none; the next release clears it")
