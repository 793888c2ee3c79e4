"""The only polling loop: back-off with jitter, a deadline, and no knowledge of what is polled."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypedDict, TypeVar, Unpack

from pipeline.errors import WaitTimeoutError

T = TypeVar("T")


class Wait(Protocol):
    """`Waiter.until`."""

    def __call__(self, probe: Callable[[], T | None], *, what: str, timeout: float) -> T: ...


class Pace(TypedDict, total=False):
    """How a `Waiter` waits: its fields, by name."""

    first_pause: float
    longest_pause: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    jitter: Callable[[], float]


@dataclass(frozen=True)
class Waiter:
    """Looks at something again and again. All times are seconds.

    The pause grows by half each time up to `longest_pause`, and each is shortened by up to a quarter
    (`jitter` gives 0 to 1) so that many waiters do not ask AWS at once:
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    first_pause: float = 0.5
    longest_pause: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def looks(self, look: Callable[[], T], *, what: str, timeout: float) -> Iterator[T]:
        """What each look finds, until the reader has seen enough.

        Raises WaitTimeoutError once `timeout` has passed; the last look comes at the very end.
        """
        deadline = self.clock() + timeout
        pause = self.first_pause
        while True:
            yield look()
            left = deadline - self.clock()
            if left <= 0:
                raise WaitTimeoutError(
                    f"{what} did not come to an end within {timeout:.0f} s",
                    next_step="run the same command again: it carries on where this one stopped",
                )
            self.sleep(min(left, pause * (1 - self.jitter() / 4)))
            pause = min(self.longest_pause, pause * 1.5)

    def until(self, probe: Callable[[], T | None], *, what: str, timeout: float) -> T:
        """Call `probe` until it gives something other than None, and return that. Raises as `looks` does."""
        looks = self.looks(probe, what=what, timeout=timeout)
        return next(answer for answer in looks if answer is not None)


def wait_until(probe: Callable[[], T | None], *, what: str, timeout: float, **pace: Unpack[Pace]) -> T:
    """`Waiter.until` at a pace of its own."""
    return Waiter(**pace).until(probe, what=what, timeout=timeout)
