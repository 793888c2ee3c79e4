"""What came of the releases of the zero-downtime tests, as one table, which docs/zero-downtime.md holds.

Its rows come from several workers: each is a property of a test, which xdist brings to the one that reports.
"""

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.support.fake_rollout import STAGES
from tests.support.steady_load import Asked, faults

PROPERTY = "zero downtime"
FILE = "SLIPWAY_ZERO_DOWNTIME_REPORT"
AFTER_BAD, AFTER_KILL = "good, right after a bad one", "good, right after a kill"
KINDS = [
    *(f"good, {strategy}" for strategy in ("BLUE_GREEN", "CANARY", "LINEAR", "ROLLING")),
    "crashes at start",
    "never healthy",
    "wrong answers",
    "migration fails",
    "alarm during the bake",
    "errors in production only",
    AFTER_BAD,
    *(f"killed in {stage}" for stage in STAGES),
    AFTER_KILL,
]
"""The order of the rows; what is not among them comes last."""


@dataclass(frozen=True)
class Row:
    """One release. seconds: from the command to its end; switched: to the first answer of the new version,
    None where none came; rolled_back: from what went wrong to a rollback complete, None where there was none.
    took: the seconds of each request meanwhile.
    """

    kind: str
    took: Sequence[float]
    failed: int
    seconds: float
    switched: float | None = None
    rolled_back: float | None = None
    ended: str = ""

    @classmethod
    def of(cls, kind: str, asked: Sequence[Asked], seconds: float, **more: float | str | None) -> "Row":
        took = [round(one.seconds, 4) for one in asked]
        return cls(kind, took, len(faults(asked)), seconds, **more)  # type: ignore[arg-type]

    def as_property(self) -> tuple[str, str]:
        return PROPERTY, json.dumps(asdict(self))


class Report:
    """Releases of one kind in one row: how many, requests, failed, and the middle of each time."""

    HEAD = ("release", "times", "requests", "failed", "switched (s)", "done (s)", "rollback (s)", "ended")

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def read(self, report: pytest.TestReport) -> None:
        """Add the rows of a test that was called, whichever worker ran it."""
        if report.when == "call":
            for name, value in report.user_properties:
                if name == PROPERTY:
                    self.add(Row(**json.loads(str(value))))

    def write(self) -> str:
        """The table, also into the file that the environment names; "" where there were no releases."""
        if not self._rows:
            return ""
        if file := os.environ.get(FILE):
            Path(file).write_text(str(self), encoding="utf-8")
        return str(self)

    @property
    def kinds(self) -> set[str]:
        return {row.kind for row in self._rows}

    @property
    def rate(self) -> float:
        """Requests a second, over all releases."""
        return sum(len(row.took) for row in self._rows) / sum(row.seconds for row in self._rows)

    @property
    def lowest_rate(self) -> float:
        """Requests a second, during the release that had the fewest."""
        return min(len(row.took) / row.seconds for row in self._rows)

    def __str__(self) -> str:
        kinds = sorted(self.kinds, key=lambda kind: KINDS.index(kind) if kind in KINDS else len(KINDS))
        rows = [self._line([row for row in self._rows if row.kind == kind]) for kind in kinds]
        lines = [self.HEAD, ("---", *["---:"] * 6, "---"), *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n{self._summary()}\n"

    def _summary(self) -> str:
        took = sorted(seconds for row in self._rows for seconds in row.took)
        most = took[int(len(took) * 0.99)]
        return (
            f"{len(took):,} requests, never fewer than {self.lowest_rate:.0f} a second during a release; "
            f"99 % of them answered within {most * 1000:.0f} ms, the slowest within {took[-1] * 1000:.0f} ms."
        )

    def _line(self, rows: list[Row]) -> tuple[str, ...]:
        ended = Counter(row.ended for row in rows)
        return (
            rows[0].kind,
            str(len(rows)),
            f"{sum(len(row.took) for row in rows):,}",
            f"{sum(row.failed for row in rows):,}",
            middle(row.switched for row in rows),
            middle(row.seconds for row in rows),
            middle(row.rolled_back for row in rows),
            rows[0].ended if len(ended) == 1 else ", ".join(f"{n} {end}" for end, n in sorted(ended.items())),
        )


def middle(figures: Iterable[float | None]) -> str:
    """The median, with the lowest and the highest where they differ."""
    known = sorted(figure for figure in figures if figure is not None)
    if not known:
        return ""
    shown = f"{statistics.median(known):.1f}"
    return shown if len(known) == 1 else f"{shown} ({known[0]:.1f} to {known[-1]:.1f})"
