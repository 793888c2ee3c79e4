"""Markdown in which nothing that a log line, AWS or a user wrote can break out of its place.

GitHub's dialect: https://github.github.com/gfm/. A space without width breaks every mention of a person or an
issue: GitHub looks for mentions in the text that is shown, where a backslash does not help.
"""

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_LINKS = re.compile(r"([@#](?=\w)|:(?=//)|www(?=\.))")
_ADDRESS = re.compile(r"(https?://[\w./?=%:+,#-]*[\w/])")
_BAR, _ESCAPED_BAR = re.compile(r"(?<!\\)\|"), r"\\|"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def text(words: str) -> str:
    """Words as they are, in one line: no formatting, no HTML, no mentions; addresses are links."""
    plain = _CONTROL.sub("", " ".join(words.split()))
    parts = _ADDRESS.split(plain)  # every second one is an address
    return "".join(f"<{part}>" if number % 2 else _escaped(part) for number, part in enumerate(parts))


def code(words: str) -> str:
    """Words in a code span, in one line."""
    plain = _CONTROL.sub("", " ".join(words.split()))
    if not plain:
        return ""
    ticks = "`" * (_longest_run("`", plain) + 1)
    return f"{ticks} {plain} {ticks}" if "`" in plain else f"{ticks}{plain}{ticks}"


def fence(lines: Iterable[str], kind: str = "text") -> list[str]:
    """Lines in a code block that no line in it can end."""
    inside = [_CONTROL.sub("", part) for line in lines for part in line.splitlines() or [""]]
    ticks = "`" * max(3, *(_longest_run("`", line) + 1 for line in inside or [""]))
    return [ticks + kind, *inside, ticks]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table. Cells are Markdown already; a column whose name begins with > is set to the right."""
    head = [column.removeprefix(">") for column in columns]
    rule = ["---:" if column.startswith(">") else "---" for column in columns]
    return [_row(head), _row(rule), *(_row(cells) for cells in rows), ""]


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Lines behind a title that opens on a click."""
    return [f"<details><summary>{text(title)}</summary>", "", *lines, "", "</details>", ""]


def cut(document: str, limit: int, note: str) -> str:
    """At most `limit` characters of a document: cut at a line's end, open blocks closed, `note` added."""
    if len(document) <= limit:
        return document
    tail = f"\n\n{note}\n"
    room = limit - len(tail) - 200  # for what has to be closed
    kept = document[: max(room, 0)].rpartition("\n")[0]
    opened = ""
    for line in kept.splitlines():
        ticks = re.match(r"`{3,}", line)
        if ticks and not opened:
            opened = ticks[0]
        elif opened and line == opened:
            opened = ""
    closing = f"\n{opened}" if opened else ""
    closing += "\n\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    return kept + closing + tail


def _escaped(words: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", words.replace("&", "&amp;").replace("<", "&lt;"))
    return _LINKS.sub(r"\1&#8203;", escaped)


def _row(cells: Iterable[str]) -> str:
    # A bar ends a cell even inside of a code span, unless it is escaped.
    return f"| {' | '.join(_BAR.sub(_ESCAPED_BAR, cell) for cell in cells)} |"


def _longest_run(character: str, words: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(character)}+", words)), default=0)
