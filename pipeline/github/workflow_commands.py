"""GitHub's workflow commands: `command` writes them; everything else that is printed is made harmless.

A runner takes every line that begins with :: (after blanks) or contains ##[ as a command. A log line of a
container must not set an output, mask a word or end a group.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import re
from typing import IO

from pipeline.masking import masked

_AT_THE_START = re.compile(r"^(\s*)::", re.MULTILINE)
_INSIDE = re.compile(r"##\[")


def harmless(text: str) -> str:
    """The text, in which a runner finds no command."""
    lines = text.replace("\r", "\n")
    return _INSIDE.sub("## [", _AT_THE_START.sub(r"\1: :", lines))


class Output:
    """A stream whose every line is harmless and without secrets; commands go through `command` alone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, harmless and without secrets."""
        return self._stream.write(harmless(masked(text)))

    def command(self, name: str, message: str = "", **properties: str) -> None:
        """Write one command in a line of its own, without secrets."""
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
