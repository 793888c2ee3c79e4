"""Mermaid diagrams, which GitHub draws in summaries, issues and comments: a timeline, and lines over time.

https://mermaid.js.org/syntax/gantt.html and https://mermaid.js.org/syntax/xyChart.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLOURS = (("🟦", "#3b82f6"), ("🟩", "#22c55e"), ("🟪", "#a855f7"), ("🟧", "#f97316"), ("🟫", "#92400e"))
"""The legend's square (Mermaid draws none for an xychart) and the line's colour."""
RED = ("🟥", "#dc2626")


@dataclass(frozen=True)
class Bar:
    """One bar of a timeline. began, ended: Unix time in seconds; mark: done, active or crit (red)."""

    name: str
    began: float
    ended: float
    mark: str = "done"


def gantt(sections: Mapping[str, Sequence[Bar]]) -> list[str]:
    """A timeline as a fenced diagram, its axis in the reader's time of day."""
    lines = ["gantt", "  dateFormat x", "  axisFormat %H:%M:%S"]
    number = 0
    for section, bars in sections.items():
        if bars:
            lines.append(f"  section {_label(section)}")
        for bar in bars:
            number += 1
            began, ended = round(bar.began * 1000), round(bar.ended * 1000)
            # A bar without length is not drawn.
            lines.append(f"  {_label(bar.name)} :{bar.mark}, n{number}, {began}, {max(ended, began + 1)}")
    return _fenced(lines)


def over_time(span: float, unit: str, lines: Mapping[str, Sequence[int]], failed: Sequence[int]) -> list[str]:
    """A line per name over `span` seconds and a red line for what failed, with a legend above.

    All lines have the same number of values, evenly spaced. The names after the fourth share a line.
    """
    drawn = dict(list(lines.items())[: len(COLOURS) - 1])
    rest = [values for name, values in lines.items() if name not in drawn]
    if rest:
        drawn["others"] = [sum(column) for column in zip(*rest, strict=True)]
    legend = [f"{square} {_label(name)}" for name, (square, _) in zip(drawn, COLOURS, strict=False)]
    palette = [colour for _, colour in COLOURS[: len(drawn)]]
    series = list(drawn.values())
    if any(failed):
        legend.append(f"{RED[0]} failed")
        palette.append(RED[1])
        series.append(failed)
    highest = max((value for values in series for value in values), default=1)
    colours = {"xyChart": {"plotColorPalette": ", ".join(palette)}}
    theme = json.dumps({"theme": "base", "themeVariables": colours})
    chart = [
        f"%%{{init: {theme}}}%%",
        "xychart-beta",
        f'  x-axis "seconds" 0 --> {max(round(span), 1)}',
        f'  y-axis "{_label(unit)}" 0 --> {max(highest, 1)}',
        *(f"  line [{', '.join(map(str, values))}]" for values in series),
    ]
    return [" · ".join(legend), "", *_fenced(chart)]


def _label(words: str) -> str:
    """What is safe as a name: Mermaid gives colons, semicolons, commas, quotes and hashes a meaning."""
    return " ".join(re.sub(r"[^\w ./%()+-]", " ", words).split()) or "unknown"


def _fenced(lines: Sequence[str]) -> list[str]:
    return ["```mermaid", *lines, "```", ""]
