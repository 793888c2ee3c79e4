"""The help: what stands there can be typed, and every command says what it does."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import commands
from tests.support.repository import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TYPED = re.compile(r"-m pipeline ([a-z]+)")
MAKE = re.compile(r"(?:`|\$ )make ([a-z-]+)")


def parsers(parser: argparse.ArgumentParser, *words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every parser with the words that lead to it, the topmost included."""
    yield " ".join(words), parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from parsers(sub, *words, name)


EVERY = dict(parsers(commands.parser()))


@pytest.mark.parametrize("words", EVERY)
def test_the_usage_is_what_can_be_typed_in_a_checkout(words: str) -> None:
    assert f"python -m pipeline {words}".rstrip() == EVERY[words].prog


@pytest.mark.parametrize("words", EVERY)
def test_a_command_says_what_it_does(words: str) -> None:
    assert (EVERY[words].description or "").endswith(".")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set() == set(TYPED.findall(text)) - set(EVERY)
    assert set() == set(MAKE.findall(text)) - set(targets)
