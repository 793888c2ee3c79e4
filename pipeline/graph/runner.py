"""Runs a graph: each node in a thread of its own, as soon as the nodes that it needs are done."""

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Ending(Enum):
    """How a node ended."""

    DONE = "done"
    FAILED = "failed"
    NOT_STARTED = "not started"


@dataclass(frozen=True)
class Result:
    """What a node gives: a word for the table (`created`, `unchanged`, ...) and its outputs."""

    word: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """One node's outcome; times are seconds on the runner's clock."""

    name: str
    ending: Ending
    needs: frozenset[str] = frozenset()
    started: float = 0.0
    ended: float = 0.0
    result: Result | None = None
    error: BaseException | None = None

    @property
    def seconds(self) -> float:
        """How long the node took."""
        return self.ended - self.started

    @property
    def word(self) -> str:
        """created, updated, unchanged, failed, ..."""
        return self.result.word if self.result else self.ending.value


class Watcher(Protocol):
    """Is told of every node's start and end, always in the thread that called `run`."""

    def started(self, name: str) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...


class Audience(Watcher, Protocol):
    """Is told what happens. log(node): gives the function that takes the lines of a node."""

    def log(self, node: str) -> Callable[[str], None]: ...


Step = Callable[[Mapping[str, Mapping[str, str]]], Result]
"""A node's turn: is given the outputs of all nodes done so far, by node, and gives its own."""


def run(
    needs: Mapping[str, frozenset[str]],
    steps: Mapping[str, Step],
    watcher: Watcher,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Outcome]:
    """Run every node's step; a failed node stops what depends on it, and its siblings finish.

    KeyboardInterrupt passes through at once: no thread is waited for, and what a step has started in AWS
    goes on there. So a process that was interrupted leaves by os._exit, as __main__ does.
    """
    ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    outcomes: dict[str, Outcome] = {}
    waiting = dict(needs)
    running = 0
    pool = ThreadPoolExecutor(max_workers=max(1, len(needs)))

    def start(name: str) -> None:
        done = {key: o.result.outputs for key, o in outcomes.items() if o.result is not None}
        watcher.started(name)
        started = clock()

        def end(step: "Future[Result]") -> None:
            error = step.exception()
            ending, result = (Ending.FAILED, None) if error else (Ending.DONE, step.result())
            ended.put(Outcome(name, ending, needs[name], started, clock(), result, error))

        pool.submit(steps[name], done).add_done_callback(end)

    while waiting or running:
        for name in [n for n, needed in waiting.items() if needed <= outcomes.keys()]:
            needed = waiting.pop(name)
            running += 1
            if all(outcomes[n].ending is Ending.DONE for n in needed):
                start(name)
            else:
                now = clock()
                ended.put(Outcome(name, Ending.NOT_STARTED, needed, now, now))
        outcome = ended.get()
        running -= 1
        outcomes[outcome.name] = outcome
        watcher.ended(outcome)
    return outcomes


def errors(outcomes: Mapping[str, Outcome]) -> list[BaseException | None]:
    """The error of each node, None where it had none, in the order in which the nodes ended."""
    return [outcome.error for outcome in sorted(outcomes.values(), key=lambda o: o.ended)]


def critical_path(outcomes: Mapping[str, Outcome]) -> list[Outcome]:
    """The chain of nodes that decided when the graph was done, the first node first.

    The chain's last node ended last of all; before each node stands, of those it needs, the last to end.
    """
    ran = {name: o for name, o in outcomes.items() if o.ending is not Ending.NOT_STARTED}
    path: list[Outcome] = []
    last = max(ran.values(), key=lambda o: o.ended, default=None)
    while last is not None:
        path.insert(0, last)
        last = max((ran[n] for n in last.needs if n in ran), key=lambda o: o.ended, default=None)
    return path
