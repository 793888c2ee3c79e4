"""Change sets made only to be read, and taken away again with all that they made."""

import functools
import threading
from collections.abc import Callable
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.cloudformation import change_set, stacks, stale_change_sets
from pipeline.cloudformation.change_set import Changes, NoChanges, StackSpec
from pipeline.context import Context
from pipeline.errors import InterruptedBySignalError, SlipwayError

Log = Callable[[str], None]


class PlanChangeSets:
    """The change sets of one plan, each made in a thread of its node's own."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cloudformation = context.aws.client("cloudformation")
        self._new: dict[str, tuple[str, Log]] = {}
        self._interrupted = False
        self._guard = threading.Lock()

    def of(self, spec: StackSpec, current: stacks.StackDescription | None, log: Log) -> Changes | NoChanges:
        """What a deploy would change. Raises what change_set.create raises."""
        name, new = change_set.new_name(), current is None
        with self._guard:
            if self._interrupted:
                raise InterruptedBySignalError("interrupted")
            if new:
                self._new[spec.name] = name, log
        outcome = None
        try:
            outcome = change_set.create(self._cloudformation, spec, self._context.wait, new=new, name=name)
        finally:
            if isinstance(outcome, Changes):
                change_set.discard(self._cloudformation, outcome)
            if new:
                self._forget_review(spec.name, name, log)
                self._new.pop(spec.name)
        return outcome

    def clear_up(self) -> None:
        """Take away what the threads have begun: after Ctrl-C they end with the process."""
        with self._guard:
            self._interrupted = True
        for stack_name, (name, log) in list(self._new.items()):
            try:
                there = functools.partial(self._is_there, stack_name)
                self._context.wait(there, what=f"stack {stack_name}", timeout=10)
                self._forget_review(stack_name, name, log)
            except (BotoCoreError, ClientError, SlipwayError) as error:
                log(f"{stack_name} may be left behind, empty ({error}); the next release clears it")

    def _is_there(self, stack_name: str) -> bool | None:
        """None while the thread may still be about to ask for it."""
        there = stacks.describe(self._cloudformation, stack_name)
        return True if there is not None or stack_name not in self._new else None

    def _forget_review(self, stack_name: str, change_set_name: str, log: Log) -> None:
        """Delete the empty stack in REVIEW_IN_PROGRESS that a change set for a new stack leaves behind.

        The stack stays where another run has a change set in it by now: deleting it would delete that, too.
        """
        left = stacks.describe(self._cloudformation, stack_name)
        if left is None or not left.status.in_review:
            return
        if stale_change_sets.others(self._cloudformation, left.name, left.stack_id, change_set_name):
            return
        try:
            replace(self._context.deployer(lambda _: None), timeout=120).delete(left, None)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            log(f"{stack_name} is left behind, empty: this role deletes none; the next release clears it")
