"""Runs a graph: each node in a thread of its own, as soon as the nodes that it needs are done."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
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


Work = Callable[[str, Mapping[str, Mapping[str, str]]], Result]
"""A node's work: its name, and the outputs of all nodes done so far."""


def run(
    needs: Mapping[str, frozenset[str]],
    work: Work,
    watcher: Watcher,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Outcome]:
    """Run every node; a failed one stops what depends on it, and its siblings finish.

    Threads are daemons, so that Ctrl-C leaves at once: KeyboardInterrupt passes through here untouched, and
    what was started in AWS goes on there.
    """
    ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    outcomes: dict[str, Outcome] = {}
    waiting = dict(needs)
    running = 0

    def start(name: str) -> None:
        done = {key: o.result.outputs for key, o in outcomes.items() if o.result is not None}
        watcher.started(name)
        threading.Thread(
            target=_one, args=(name, needs[name], done, work, clock, ended), name=name, daemon=True
        ).start()

    while waiting or running:
        for name in [n for n, needed in waiting.items() if needed <= outcomes.keys()]:
            needed = waiting.pop(name)
            if all(outcomes[n].ending is Ending.DONE for n in needed):
                start(name)
                running += 1
            else:
                now = clock()
                ended.put(Outcome(name, Ending.NOT_STARTED, needed, now, now))
                running += 1
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


def _one(
    name: str,
    needs: frozenset[str],
    done: Mapping[str, Mapping[str, str]],
    work: Work,
    clock: Callable[[], float],
    ended: "queue.SimpleQueue[Outcome]",
) -> None:
    started = clock()
    try:
        result = work(name, done)
    except BaseException as error:  # noqa: BLE001 - whatever a thread raises must reach the main thread
        ended.put(Outcome(name, Ending.FAILED, needs, started, clock(), error=error))
    else:
        ended.put(Outcome(name, Ending.DONE, needs, started, clock(), result=result))
