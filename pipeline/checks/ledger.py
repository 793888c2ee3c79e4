"""The ledger of a rollout: every request of the production probe, one JSON line each."""

import contextlib
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Entry:
    """One request. at: Unix time; seconds: until the answer; status: 0 where no answer came; stage: of the
    deployment at that time; counts: whether a failure may speak against the new version; reached: False
    where the request did not reach the load balancer, which is no version's fault.
    """

    at: float
    seconds: float
    status: int
    version: str = ""
    error: str = ""
    stage: str = ""
    counts: bool = False
    reached: bool = True

    @property
    def failed(self) -> bool:
        """No answer came, or a status of 500 or more."""
        return self.status == 0 or self.status >= 500


class Ledger:
    """The ledger of one rollout, written line by line: a runner that dies leaves a whole ledger, and the next
    runner carries on with it. Safe across threads. file: None keeps the ledger in memory only.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._out: BinaryIO = io.BytesIO()
        if file is None:
            return
        self.entries = read(file) if file.is_file() else []
        file.parent.mkdir(parents=True, exist_ok=True)
        cut_off = file.is_file() and file.read_bytes()[-1:] not in (b"", b"\n")
        self._out = file.open("ab", buffering=0)
        if cut_off:
            self._out.write(b"\n")

    def add(self, entry: Entry) -> None:
        """Keep an entry. An entry that can't be written, as on a full disk, counts all the same."""
        line = json.dumps(asdict(entry)) + "\n"
        with self._lock:
            self.entries.append(entry)
            if not self._out.closed:
                with contextlib.suppress(OSError):
                    self._out.write(line.encode())

    def close(self) -> None:
        """Close the file. Entries that are added afterwards are not written."""
        with self._lock:
            self._out.close()

    def errors(self, version: str, within: float, limit: int) -> int:
        """Failed requests of the last `within` seconds that speak against `version`.

        An answer that names another version says nothing about `version`. An answer that names no version is
        the load balancer's own. In the bake time, when all traffic goes to `version`, it speaks against
        `version`. In earlier stages, it does so only if fewer than `limit` such answers came in the last
        `within` seconds before the shift: else the version before is broken, and `version` may be the cure.
        version: "" where it is not known; then every answer counts.
        """
        with self._lock:
            entries = list(self.entries)
        shift = next((entry.at for entry in entries if entry.counts), 0.0)
        before = [e for e in entries if not e.counts and shift - within < e.at <= shift]
        was_well = sum(e.failed and e.reached and not e.version for e in before) < limit

        def speaks(entry: Entry) -> bool:
            if not (entry.failed and entry.counts and entry.reached):
                return False
            if entry.version:
                return version in ("", entry.version)
            return entry.stage == "BAKE_TIME" or (was_well and entry.stage != "")

        return sum(speaks(entry) for entry in entries if entry.at > entries[-1].at - within)


def opened(file: Path | None, folder: Path, name: str, log: Callable[[str], None]) -> Ledger:
    """A new ledger in `file`. Where `file` is None or can't be written: the ledger `name` in `folder`.

    Where the folder can't be written either: a ledger in memory. A full disk must not end the process that
    answers the gates.
    """
    kept = folder / (re.sub(r"[^\w.-]", "-", name) + ".jsonl")
    if file is not None:
        try:
            file.unlink(missing_ok=True)
            return Ledger(file)
        except OSError as error:
            log(f"({file} can't be written; the ledger is kept in {kept}: {error})")
    try:
        return Ledger(kept)
    except OSError as error:
        log(f"(the ledger of this rollout is not kept: {error})")
        return Ledger(None)


def read(file: Path) -> list[Entry]:
    """The entries of a ledger. A line that a dying runner has cut off is left out."""
    entries = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(Entry(**json.loads(line)))
        except json.JSONDecodeError:
            continue
    return entries


def summary(entries: Iterable[Entry]) -> str:
    """`512 requests, 0 failed; 300 by version a, 212 by version b`."""
    every = list(entries)
    versions = Counter(entry.version for entry in every if not entry.failed)
    failed = sum(entry.failed for entry in every)
    shares = ", ".join(f"{count} by version {version or 'unknown'}" for version, count in versions.items())
    return f"{len(every)} requests, {failed} failed" + (f"; {shares}" if shares else "")


def first_errors(entries: Iterable[Entry], count: int = 3) -> list[str]:
    """A line for each of the first `count` failed requests that may speak against the new version."""
    failed = [entry for entry in entries if entry.failed and entry.counts and entry.reached][:count]
    return [
        f"{entry.stage}: {entry.status or 'no answer'} from version {entry.version or 'unknown'}"
        + (f" ({entry.error})" if entry.error else "")
        for entry in failed
    ]
