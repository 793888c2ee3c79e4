"""The help: what stands there can be typed, and every command says what it does."""

import argparse
import re
from collections.abc import Iterator

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


def test_the_usage_is_what_can_be_typed_in_a_checkout() -> None:
    usages = {words: parser.prog for words, parser in EVERY.items()}

    assert {words: f"python -m pipeline {words}".rstrip() for words in EVERY} == usages


def test_a_command_says_what_it_does() -> None:
    assert [] == [words for words, parser in EVERY.items() if not (parser.description or "").endswith(".")]


def test_every_command_that_a_page_names_is_there() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    failures = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        unknown = set(TYPED.findall(text)) - set(EVERY) | set(MAKE.findall(text)) - set(targets)
        failures += [(str(page.relative_to(ROOT)), name) for name in sorted(unknown)]

    assert [] == failures
