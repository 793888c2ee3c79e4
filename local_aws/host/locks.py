"""Locks between commands: one per checkout, and one for each purpose on the machine.

The system frees a lock when its process ends, so a killed command leaves no lock behind.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from local_aws.checkout import Checkout
from pipeline.errors import BusyError

CHECKOUT_LOCK = "lock"
WAIT_SECONDS = 300
MACHINE_WAIT_SECONDS = 1800
"""Seconds. Another checkout may need this long to pull or build base images."""

Log = Callable[[str], None]


@contextmanager
def alone_in(checkout: Checkout, log: Log) -> Iterator[None]:
    """Hold the checkout's lock, after waiting for another `up` or `down` to end.

    Raises BusyError when the other command needs more than five minutes.
    """
    checkout.state_directory.mkdir(parents=True, exist_ok=True)
    path = checkout.state_directory / CHECKOUT_LOCK
    with _held(path, "another `local up` or `local down` of this checkout", WAIT_SECONDS, log):
        yield


@contextmanager
def alone_on_this_machine(what: str, log: Log) -> Iterator[None]:
    """Hold a lock that all checkouts of this user share, for instance while base images are made.

    Raises BusyError when another checkout holds it for more than half an hour.
    """
    path = Path(tempfile.gettempdir()) / f"slipway-{what}-{os.getuid()}.lock"
    with _held(path, "the `local up` of another checkout", MACHINE_WAIT_SECONDS, log):
        yield


@contextmanager
def _held(path: Path, holder: str, timeout: float, log: Log) -> Iterator[None]:
    # Without this, filelock uses a soft lock on some file systems, which outlives a killed command.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log(f"{holder} is at work; waiting for it")
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise BusyError(
                f"{holder} does not end",
                why=f"it has not ended within {timeout:.0f} s, and holds {path}",
                next_step="end it, then run this again",
            ) from error
    try:
        yield
    finally:
        lock.release()
