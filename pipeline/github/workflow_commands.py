"""GitHub's workflow commands: given where they are ours, made harmless in everything else that is printed.

A runner takes every line that begins with :: (after blanks) or holds ##[ for a command; a container's log
line must be able to set no output, mask nothing and end no group.
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

import re
from typing import IO

from pipeline.masking import masked

_AT_THE_START = re.compile(r"^(\s*)::", re.MULTILINE)
_INSIDE = re.compile(r"##\[")


def harmless(text: str) -> str:
    """The same words, of which none is a command."""
    lines = text.replace("\r", "\n")
    return _INSIDE.sub("## [", _AT_THE_START.sub(r"\1: :", lines))


class Output:
    """A stream whose every line is harmless and without secrets; commands go through `command` alone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(harmless(masked(text)))

    def command(self, name: str, message: str = "", **properties: str) -> None:
        """One command in a line of its own. Raises nothing of its own."""
        message = masked(message)
        given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
        self._stream.write(f"::{name}{' ' if given else ''}{given}::{_data(message)}\n")
        self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
