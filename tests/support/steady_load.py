"""A steady load on a service, and a report of what came of it."""

import statistics
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import requests


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent (Unix time), how long it took (seconds), which version answered, and what
    was wrong with it ("" where nothing was).
    """

    at: float
    seconds: float
    version: str
    fault: str


class SteadyLoad:
    """So many GET requests a second, evenly, from entry to exit, over a few connections that are kept open.

    A slow answer holds up its own connection only; one that fell behind, because this machine was busy, makes
    up for at most five seconds.
    """

    CONNECTIONS = 12

    def __init__(self, url: str, per_second: float) -> None:
        self._asked: list[Asked] = []
        self._url, self._per_second = url, per_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(self.CONNECTIONS)]

    def __enter__(self) -> "SteadyLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def since(self, moment: float) -> list[Asked]:
        """What was sent from `moment` (Unix time) on and is answered, in the order of sending."""
        return sorted((one for one in list(self._asked) if one.at >= moment), key=lambda one: one.at)

    def _ask(self, number: int) -> None:
        pause = self.CONNECTIONS / self._per_second
        due = time.monotonic() + number * pause / self.CONNECTIONS
        with requests.Session() as session:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                due = max(due + pause, time.monotonic() - 5)
                self._asked.append(self._once(session))

    def _once(self, session: requests.Session) -> Asked:
        at, began, version = time.time(), time.monotonic(), ""
        try:
            answer = session.get(self._url, timeout=10)
        except requests.RequestException as error:
            fault = f"{type(error).__name__}: {error}"
        else:
            version = answer.headers.get("X-Service-Version", "")
            fault = "" if answer.ok else f"{answer.status_code} {answer.text[:200]}"
        return Asked(at, time.monotonic() - began, version, fault)


def faults(asked: Iterable[Asked]) -> list[str]:
    return [one.fault for one in asked if one.fault]


@dataclass(frozen=True)
class Row:
    """One release. seconds: from the command to its end; switched: to the first answer of the new version,
    None where none came; rolled_back: from what went wrong to a rollback complete, None where there was none.
    """

    kind: str
    asked: Sequence[Asked]
    seconds: float
    switched: float | None = None
    rolled_back: float | None = None
    ended: str = ""


class Report:
    """Releases of one kind in one row: how many, requests, failed, and the middle of each time."""

    HEAD = ("release", "times", "requests", "failed", "switched (s)", "done (s)", "rollback (s)", "ended")

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}

    def add(self, row: Row) -> None:
        self._rows.setdefault(row.kind, []).append(row)

    @property
    def rate(self) -> float:
        """Requests a second, over all releases."""
        rows = [row for rows in self._rows.values() for row in rows]
        return sum(len(row.asked) for row in rows) / sum(row.seconds for row in rows)

    @property
    def lowest_rate(self) -> float:
        """Requests a second, during the release that had the fewest."""
        return min(len(row.asked) / row.seconds for rows in self._rows.values() for row in rows)

    def __str__(self) -> str:
        lines = [self.HEAD, ("---", *["---:"] * 6, "---"), *map(self._line, self._rows.values())]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n{self._summary()}\n"

    def _summary(self) -> str:
        took = sorted(one.seconds for rows in self._rows.values() for row in rows for one in row.asked)
        most = took[int(len(took) * 0.99)]
        return (
            f"{len(took):,} requests, never fewer than {self.lowest_rate:.0f} a second during a release; "
            f"99 % of them answered within {most * 1000:.0f} ms, the slowest within {took[-1] * 1000:.0f} ms."
        )

    def _line(self, rows: list[Row]) -> tuple[str, ...]:
        asked = [one for row in rows for one in row.asked]
        return (
            rows[0].kind,
            str(len(rows)),
            f"{len(asked):,}",
            f"{len(faults(asked)):,}",
            middle(row.switched for row in rows),
            middle(row.seconds for row in rows),
            middle(row.rolled_back for row in rows),
            rows[0].ended,
        )


def middle(figures: Iterable[float | None]) -> str:
    """The median, with the lowest and the highest where they differ."""
    known = sorted(figure for figure in figures if figure is not None)
    if not known:
        return ""
    shown = f"{statistics.median(known):.1f}"
    return shown if len(known) == 1 else f"{shown} ({known[0]:.1f} to {known[-1]:.1f})"
