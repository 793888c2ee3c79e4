"""Nothing that somebody else wrote breaks out of its place in a summary or a comment."""

import pytest

from pipeline.github import markdown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("plain", "plain"),
        ("a|b `c` *d* [e](f)", r"a\|b \`c\` \*d\* \[e\](f)"),
        ("<script> & co", "&lt;script> &amp; co"),
        ("two\nlines\r\nand more", "two lines and more"),
        ("thanks @octocat, see #12", "thanks @&#8203;octocat, see #&#8203;12"),
        ("see https://a.b/c_d?e=1.", "see <https://a.b/c_d?e=1>."),
        ("http://|x www.a.b", r"http:&#8203;//\|x www&#8203;.a.b"),
        ("\x1b[31mred", r"\[31mred"),
    ],
)
def test_text_is_shown_as_it_was_written(words: str, shown: str) -> None:
    assert shown == markdown.text(words)


@pytest.mark.parametrize(
    ("words", "shown"),
    [("ecr", "`ecr`"), ("a`b``c", "``` a`b``c ```"), ("a\nb", "`a b`"), ("", ""), ("@you", "`@you`")],
)
def test_a_code_span_holds_backticks(words: str, shown: str) -> None:
    assert shown == markdown.code(words)


def test_a_fence_is_longer_than_any_in_it() -> None:
    lines = markdown.fence(["fine", "````", "</details>\n```js"])

    assert ["`````text", "fine", "````", "</details>", "```js", "`````"] == lines


def test_bars_in_cells_make_no_columns() -> None:
    [head, rule, row, _] = markdown.table(("name", ">time"), [("`a|b`", r"c\|d")])

    assert "| name | time |" == head
    assert "| --- | ---: |" == rule
    assert r"| `a\|b` | c\|d |" == row


def test_a_short_document_is_not_cut() -> None:
    assert "short" == markdown.cut("short", 5, "cut")


def test_a_long_document_is_cut_at_a_line_and_closed() -> None:
    lines = [*markdown.folded("all", markdown.fence([f"line {number}" for number in range(500)])), "end"]

    kept = markdown.cut("\n".join(lines), 1000, "_cut here_")

    assert len(kept) <= 1000
    assert kept.endswith("_cut here_\n")
    assert 2 == kept.count("```")
    assert kept.count("<details>") == kept.count("</details>")
    assert kept.index("```", 60) < kept.index("</details>")
    assert "\nline 1" in kept
    assert "line 499" not in kept
