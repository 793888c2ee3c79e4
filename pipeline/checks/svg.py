"""A ledger as a picture: requests per version over time, stages above, errors in red. Plain SVG."""

from collections import Counter
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from pipeline.checks.ledger import Entry, Ledger, summary

_WIDTH, _HEIGHT = 960, 370
_LEFT, _TOP, _RIGHT, _BOTTOM = 50, 120, 20, 50
_ROWS, _ROW = 5, 13
_BARS = 120
_COLOURS = ("#4477aa", "#44aa77", "#ccaa44", "#aa66aa", "#66bbcc")
_ERROR = "#cc3333"


def keep(kept: Ledger, title: str, log: Callable[[str], None]) -> None:
    """Draw the picture into a file beside the ledger, and log where both are."""
    log(f"production probe: {summary(kept.entries)}")
    if kept.file is None:
        return
    picture = kept.file.with_suffix(".svg")
    try:
        picture.write_text(draw(kept.entries, title), encoding="utf-8")
    except OSError as error:
        log(f"ledger: {kept.file}; its picture could not be written: {error}")
    else:
        log(f"ledger: {kept.file}, as a picture: {picture}")


def draw(entries: Sequence[Entry], title: str) -> str:
    """The picture as SVG text. Times are seconds from the first request on."""
    start = entries[0].at if entries else 0.0
    span = max((entries[-1].at - start) if entries else 0.0, 1.0)
    bar = span / _BARS if span > _BARS else 1.0
    versions = list(dict.fromkeys(entry.version for entry in entries if not entry.failed))
    colours = {v: _COLOURS[i % len(_COLOURS)] for i, v in enumerate(versions)}
    counts: dict[int, Counter[str | None]] = {}
    for entry in entries:
        key = None if entry.failed else entry.version
        counts.setdefault(int((entry.at - start) / bar), Counter())[key] += 1
    highest = max((sum(counter.values()) for counter in counts.values()), default=1)
    across = (_WIDTH - _LEFT - _RIGHT) / (span + bar)
    up = (_HEIGHT - _TOP - _BOTTOM) / highest
    head = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 20, title, 'font-size="15" font-weight="bold"'),
        _text(_LEFT, 38, summary(entries)),
    ]
    parts += _stages(entries, start, across)
    for index, counter in sorted(counts.items()):
        bottom = float(_HEIGHT - _BOTTOM)
        for key in [*versions, None]:
            if counter[key]:
                height = counter[key] * up
                bottom -= height
                parts.append(
                    f'<rect x="{_LEFT + index * bar * across:.1f}" y="{bottom:.1f}" '
                    f'width="{max(bar * across - 1, 1):.1f}" height="{height:.1f}" '
                    f'fill="{_ERROR if key is None else colours[key]}"/>'
                )
    parts += _axes(span, across, highest, bar)
    x = float(_LEFT)
    for name, colour in [*((v or "unknown", colours[v]) for v in versions), ("failed", _ERROR)]:
        parts.append(f'<rect x="{x:.0f}" y="{_HEIGHT - 16}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(x + 14, _HEIGHT - 7, name))
        x += 34 + 7 * len(name)
    return "\n".join([*parts, "</svg>", ""])


def _stages(entries: Sequence[Entry], start: float, across: float) -> list[str]:
    """A line where each stage was first seen, its name in the first row that has room."""
    parts: list[str] = []
    before, taken = "", [0.0] * _ROWS
    for entry in entries:
        if not entry.stage or entry.stage == before:
            continue
        before = entry.stage
        x, width = _LEFT + (entry.at - start) * across, 7.5 * len(before)
        left = x + 3 if x + 3 + width < _WIDTH else x - 3 - width
        row = next((i for i, end in enumerate(taken) if end <= left), _ROWS - 1)
        taken[row] = left + width
        y = _TOP - _ROWS * _ROW + row * _ROW
        parts.append(
            f'<line x1="{x:.1f}" y1="{y - 9}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" '
            'stroke="#999999" stroke-dasharray="2 3"/>'
        )
        anchor = "" if left > x else f'textLength="{width:.0f}"'
        parts.append(_text(left, y, before, anchor))
    return parts


def _axes(span: float, across: float, highest: int, bar: float) -> list[str]:
    floor = _HEIGHT - _BOTTOM
    parts = [
        f'<line x1="{_LEFT}" y1="{floor}" x2="{_WIDTH - _RIGHT}" y2="{floor}" stroke="black"/>',
        _text(4, _TOP + 10, f"{highest}"),
        _text(4, _TOP + 24, f"per {bar:.0f} s"),
    ]
    for tenth in range(0, 11, 2):
        seconds = span * tenth / 10
        parts.append(_text(_LEFT + seconds * across, floor + 14, f"{seconds:.0f} s"))
    return parts


def _text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
