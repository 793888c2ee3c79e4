"""Diagrams are in Mermaid's grammar, whatever the names in them are."""

from pathlib import Path

from pipeline.checks.ledger import Entry, Ledger
from pipeline.github import ledger_chart, mermaid
from pipeline.github.mermaid import Bar


def test_a_timeline_has_a_bar_per_entry_in_the_readers_time_of_day() -> None:
    lines = mermaid.gantt({"stacks": [Bar("ecr (created)", 100.0, 101.5), Bar("app", 101.5, 101.5, "crit")]})

    assert [
        "```mermaid",
        "gantt",
        "  dateFormat x",
        "  axisFormat %H:%M:%S",
        "  section stacks",
        "  ecr (created) :done, n1, 100000, 101500",
        "  app :crit, n2, 101500, 101501",
        "```",
    ] == lines[:-1]


def test_a_name_means_nothing_to_mermaid() -> None:
    [line] = [x for x in mermaid.gantt({"a": [Bar('x:crit, n9;#"`\n```', 0, 1)]}) if "n1" in x]

    assert "  x crit n9 :done, n1, 0, 1000" == line


def test_lines_over_time_have_a_legend_in_their_colours() -> None:
    lines = mermaid.over_time(21.4, "requests", {"old": [5, 2, 0], "new": [0, 3, 5]}, [0, 1, 0])

    assert "🟦 old · 🟩 new · 🟥 failed" == lines[0]
    assert '"plotColorPalette": "#3b82f6, #22c55e, #dc2626"' in lines[3]
    assert [
        '  x-axis "seconds" 0 --> 21',
        '  y-axis "requests" 0 --> 5',
        "  line [5, 2, 0]",
        "  line [0, 3, 5]",
        "  line [0, 1, 0]",
    ] == lines[5:10]


def test_nothing_failed_is_no_line() -> None:
    lines = mermaid.over_time(5, "requests", {"new": [1, 1]}, [0, 0])

    assert "🟦 new" == lines[0]
    assert 1 == sum("line [" in line for line in lines)


def test_more_versions_than_colours_share_the_last_line() -> None:
    lines = mermaid.over_time(5, "requests", {f"v{number}": [number] for number in range(7)}, [0])

    assert lines[0].endswith("🟫 others")
    assert "  line [15]" in lines


def ledger(tmp_path: Path, entries: list[Entry]) -> Path:
    kept = Ledger(tmp_path / "ledger.jsonl")
    for entry in entries:
        kept.add(entry)
    kept.close()
    return kept.file


def test_a_ledger_is_drawn_per_version_with_its_errors(tmp_path: Path) -> None:
    entries = [Entry(100 + n / 5, 0.01, 200, "old" if n < 10 else "new") for n in range(20)]
    bad = Entry(103.5, 0.01, 500, "new", "| boom @you", "BAKE_TIME", counts=True)

    lines = ledger_chart.draw(ledger(tmp_path, [*entries, bad]))

    assert "21 requests, 1 failed; 10 by version old, 10 by version new" == lines[0]
    assert "  line [5, 5, 0]" in lines
    assert "  line [0, 0, 10]" in lines
    assert "  line [0, 0, 1]" in lines
    assert "Every request: `ledger.jsonl`, as a picture: `ledger.svg`" in lines
    assert r"- BAKE\_TIME: 500 from version new (\| boom @&#8203;you)" in lines


def test_an_hour_of_requests_has_forty_points(tmp_path: Path) -> None:
    lines = ledger_chart.draw(ledger(tmp_path, [Entry(float(n), 0.01, 200, "v") for n in range(3601)]))

    [line] = [line for line in lines if "line [" in line]
    assert 40 == line.count(",") + 1
    assert '  y-axis "requests per 90 s" 0 --> 91' in lines


def test_an_empty_ledger_is_told_and_not_drawn(tmp_path: Path) -> None:
    assert ["0 requests, 0 failed", ""] == ledger_chart.draw(ledger(tmp_path, []))
