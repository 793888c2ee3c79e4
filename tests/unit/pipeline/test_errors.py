"""Exit codes are few, unique and documented."""

import re

from pipeline import errors
from pipeline.errors import SlipwayError
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "exit-codes.md"


def every_error() -> list[type[SlipwayError]]:
    return [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SlipwayError)
    ]


def test_no_two_errors_share_an_exit_code() -> None:
    codes = [kind.exit_code for kind in every_error()]

    assert sorted(set(codes)) == sorted(codes)


def test_the_page_lists_exactly_the_errors_there_are() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert {(str(kind.exit_code), kind.__name__) for kind in every_error()} == set(rows)


def test_an_error_reads_as_what_and_why() -> None:
    assert "it broke: of old age" == str(SlipwayError("it broke", why="of old age"))
    assert "it broke" == str(SlipwayError("it broke"))
