"""The only polling loop: back-off with jitter, a deadline, and no knowledge of what is polled."""

import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from pipeline.errors import WaitTimeoutError

T = TypeVar("T")


class Wait(Protocol):
    """`wait_until` with sleep, clock and pauses already in it."""

    def __call__(self, probe: Callable[[], T | None], *, what: str, timeout: float) -> T: ...


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout: float,
    next_step: str = "run the same command again: it carries on where this one stopped",
    first_pause: float = 0.5,
    longest_pause: float = 5.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call `probe` until it gives something other than None, and return that.

    All times are seconds. The pause grows by half each time up to `longest_pause`, and each is shortened by
    up to a quarter (`jitter` gives 0 to 1) so that many waiters do not ask AWS at once:
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/

    Raises WaitTimeoutError once `timeout` has passed; the probe is always asked one last time at the end.
    """
    deadline = clock() + timeout
    pause = first_pause
    while True:
        answer = probe()
        if answer is not None:
            return answer
        left = deadline - clock()
        if left <= 0:
            raise WaitTimeoutError(
                f"{what} did not come to an end within {timeout:.0f} s", next_step=next_step
            )
        sleep(min(left, pause * (1 - jitter() / 4)))
        pause = min(longest_pause, pause * 1.5)
