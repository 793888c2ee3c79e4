"""A process that outlives the command that started it, identified by pid and start time.

A pid alone identifies nothing: the system gives it to another process after a crash or a restart.
"""

import json
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

CLOCK_SECONDS = 1.0
"""A start time is counted from the time of boot, which changes a little when the clock is set."""


@dataclass(frozen=True)
class Process:
    """A process by its pid and its start time, in seconds since 1970."""

    pid: int
    started: float

    def alive(self) -> bool:
        """Whether this very process still runs, or still holds its ports; a zombie does neither."""
        now = of(self.pid)
        return now is not None and abs(now.started - self.started) < CLOCK_SECONDS

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        if self.alive():
            psutil.Process(self.pid).send_signal(number)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n")


def remembered(path: Path) -> Process | None:
    """The process that was saved to `path`, None when the file is missing or damaged."""
    try:
        saved = json.loads(path.read_text())
        return Process(int(saved["pid"]), float(saved["started"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def of(pid: int) -> Process | None:
    """The process that has this pid now, None when it is a zombie.

    While a killed process ends, its first thread is a zombie, and its other threads may still hold its
    sockets.
    """
    try:
        process = psutil.Process(pid)
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) and process.num_threads() <= 1
        return None if ended else Process(pid, process.create_time())
    except psutil.NoSuchProcess:
        return None


def by_command(*words: str) -> Process | None:
    """The process whose command line has all these words as arguments."""
    for process in psutil.process_iter(["cmdline"]):
        if set(words) <= set(process.info["cmdline"] or []):
            return of(process.pid)
    return None
