"""Change sets made only to be read, and taken away again with all that they made."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.cloudformation import change_set, stacks, stale_change_sets
from pipeline.cloudformation.change_set import Changes, NoChanges, Wanted
from pipeline.context import Setting
from pipeline.errors import InterruptedBySignalError, SlipwayError

Say = Callable[[str], None]


class Previews:
    """The change sets of one plan, each made in a thread of its node's own."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._cloudformation: Any = setting.aws.client("cloudformation")
        self._new: dict[str, tuple[str, Say]] = {}
        self._interrupted = False
        self._guard = threading.Lock()

    def of(self, wanted: Wanted, live: stacks.Live | None, say: Say) -> Changes | NoChanges:
        """What a deploy would change. Raises what change_set.create raises."""
        name, new = change_set.new_name(), live is None
        with self._guard:
            if self._interrupted:
                raise InterruptedBySignalError("interrupted")
            if new:
                self._new[wanted.name] = name, say
        outcome = None
        try:
            outcome = change_set.create(self._cloudformation, wanted, self._setting.wait, new=new, name=name)
        finally:
            if isinstance(outcome, Changes):
                change_set.discard(self._cloudformation, outcome)
            if new:
                self._forget_review(wanted.name, name, say)
                self._new.pop(wanted.name)
        return outcome

    def clear_up(self) -> None:
        """Take away what the threads have begun: after Ctrl-C they end with the process."""
        with self._guard:
            self._interrupted = True
        for stack_name, (name, say) in list(self._new.items()):
            try:
                there = functools.partial(self._is_there, stack_name)
                self._setting.wait(there, what=f"stack {stack_name}", timeout=10)
                self._forget_review(stack_name, name, say)
            except (BotoCoreError, ClientError, SlipwayError) as error:
                say(f"{stack_name} may be left behind, empty ({error}); the next release clears it")

    def _is_there(self, stack_name: str) -> bool | None:
        """None while the thread may still be about to ask for it."""
        there = stacks.describe(self._cloudformation, stack_name)
        return True if there is not None or stack_name not in self._new else None

    def _forget_review(self, stack_name: str, change_set_name: str, say: Say) -> None:
        """A change set for a stack that is not there leaves an empty one in REVIEW_IN_PROGRESS behind. To
        delete it would delete the change set that somebody else has in it by now: then it is theirs.
        """
        left = stacks.describe(self._cloudformation, stack_name)
        if left is None or not left.status.in_review:
            return
        if stale_change_sets.others(self._cloudformation, left.name, left.stack_id, change_set_name):
            return
        try:
            stacks.delete(
                self._cloudformation, left, None, say, self._setting.wait, timeout=120, quietly=True
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            say(f"{stack_name} is left behind, empty: this role deletes none; the next release clears it")
