"""A ledger as a diagram in Markdown: requests per version over time, failed ones in red.

GitHub shows no SVG in a job summary; the picture itself (checks/svg.py) lies beside the ledger.
"""

from collections import Counter
from pathlib import Path

from pipeline.checks import ledger
from pipeline.github import mermaid
from pipeline.github.markdown import code, text

_POINTS = 40


def draw(file: Path) -> list[str]:
    """The summary in words, the diagram, and the first errors that speak against the new version."""
    entries = ledger.read(file)
    lines = [text(ledger.summary(entries)), ""]
    if not entries:
        return lines
    start = entries[0].at
    span = max(max(entry.at for entry in entries) - start, 1.0)
    bucket = max(span / _POINTS, 1.0)
    count = max(int(span / bucket), 1)
    served: dict[str, Counter[int]] = {}
    failed: Counter[int] = Counter()
    for entry in entries:
        at = min(max(int((entry.at - start) / bucket), 0), count - 1)
        (failed if entry.failed else served.setdefault(entry.version or "unknown", Counter()))[at] += 1
    per_version = {name: [counts[i] for i in range(count)] for name, counts in served.items()}
    unit = f"requests per {bucket:.0f} s" if bucket > 1 else "requests per second"
    lines += mermaid.over_time(span, unit, per_version, [failed[i] for i in range(count)])
    errors = [f"- {text(line)}" for line in ledger.first_errors(entries)]
    kept = f"Every request: {code(file.name)}, as a picture: {code(file.with_suffix('.svg').name)}"
    return [*lines, *errors, *([""] if errors else []), kept, ""]
