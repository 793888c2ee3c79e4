"""A process that outlives the command which started it, known by pid and start time.

A pid alone is not an identity: the system gives it to another process after a crash or a restart.
"""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """pid, and when the process of that pid was started, in whatever words this system has for it."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether this very process still runs, or still holds its ports; a zombie does neither."""
        return started_at(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        if self.alive():
            os.kill(self.pid, number)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n")


def remembered(path: Path) -> Process | None:
    """The process that was saved to `path`, None when there is none or the file makes no sense."""
    try:
        return Process(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def of(pid: int) -> Process | None:
    """The process that has this pid now."""
    started = started_at(pid)
    return None if started is None else Process(pid, started)


def by_command(*words: str) -> Process | None:
    """The process whose command line has all these words as arguments; None where there is no proc(5)."""
    for entry in PROC.glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if all(os.fsencode(word) in arguments for word in words):
            return of(int(entry.name))
    return None


def started_at(pid: int) -> str | None:
    """When the process with this pid was started; None when there is none, or it is a zombie.

    While a killed process ends, its first thread is a zombie and the others may still hold its sockets.
    """
    if not PROC.joinpath("self").exists():
        return _started_at_by_ps(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): after the name in brackets comes the state, 17 fields on the number of threads, 19 the start.
    fields = stat[stat.rindex(")") + 1 :].split()
    ended = fields[0] in "ZX" and int(fields[17]) <= 1
    return None if ended else f"{BOOT_ID.read_text().strip()}/{fields[19]}"


def _started_at_by_ps(pid: int) -> str | None:
    done = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
