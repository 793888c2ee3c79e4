"""Which files of app/ are the build context: those that the Docker command line sends, by app/.dockerignore.

The Docker SDK's own reader differs from the command line's: in comments, `**`, `!`, backslashes, and
characters that end a line in Python only. The rules of `docker build` are written down here and are tested
against that command. They are the rules of its own builder, which is the one that the engine's API has.
https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

from pipeline.errors import ImageError

DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"
_BUILDKITS_IGNORE_FILE = "Dockerfile.dockerignore"
# What Go takes for white space: Python's str.strip() takes more.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_AROUND = re.compile(rf"^[{_WHITE_SPACE}]+|[{_WHITE_SPACE}]+\Z")
_SPECIAL_IN_A_REGEX_ONLY = frozenset(".+()|{}$")
# The parts of a pattern as Go's filepath.Match reads it: up to the next `*` that is not in a class.
_CHUNK = re.compile(r"(?s)(?:\\.|\[(?:\\.|[^\]\\])*(?:\]|\\?\Z)|[^*])+")
_IN_A_CLASS = r"(?:\\.|[^\\\]-])"
_TOKEN = re.compile(rf"(?s)\[\^?(?:{_IN_A_CLASS}(?:-{_IN_A_CLASS})?)+\]|\\.|[^\\\[]")
_TOKENS = re.compile(rf"(?s)(?:{_TOKEN.pattern.removeprefix('(?s)')})*")


@dataclass(frozen=True)
class BuildContext:
    """sent: what the engine gets, relative to app/, sorted, directories too.

    left_out: of those, what the engine takes away before the first step, because .dockerignore excludes it:
    .dockerignore itself, or the Dockerfile.
    """

    sent: Sequence[Path]
    left_out: frozenset[Path]


def read(app: Path) -> BuildContext:
    """The build context of app/.

    Raises ImageError where app/ has no Dockerfile, where `docker build` refuses a pattern, and where BuildKit
    would read another file than the engine's own builder.
    """
    if not (app / DOCKERFILE).is_file():
        raise ImageError(
            "app/ has no Dockerfile", next_step="write app/Dockerfile (see docs/your-service.md)"
        )
    if (app / _BUILDKITS_IGNORE_FILE).exists():
        raise ImageError(
            f"app/{_BUILDKITS_IGNORE_FILE} would not be read",
            why="BuildKit reads that file in place of .dockerignore, but the engine's own builder does not",
            next_step=f"move its lines to app/{IGNORE_FILE} and run the command again",
        )
    patterns = _patterns(app)
    own = [name for name in (IGNORE_FILE, DOCKERFILE) if _excluded(name, patterns, ())[0]]
    patterns += [_Pattern(name, exception=True, matches=name.__eq__) for name in own]
    sent = sorted(Path(path) for path in _walk(app, "", patterns, ()))
    return BuildContext(sent, frozenset(path for path in sent if path.as_posix() in own))


@dataclass(frozen=True)
class _Pattern:
    """A pattern of .dockerignore. exception: the line begins with `!` and brings back what it matches."""

    path: str
    exception: bool
    matches: Callable[[str], bool]


def _walk(app: Path, directory: str, patterns: Sequence[_Pattern], above: Sequence[bool]) -> Iterator[str]:
    """The paths that are not excluded. above: for each pattern, whether it matches `directory`."""
    for entry in os.scandir(app / directory):
        path = f"{directory}/{entry.name}" if directory else entry.name
        excluded, matched = _excluded(path, patterns, above)
        is_directory = entry.is_dir(follow_symlinks=False)
        if not excluded and (is_directory or entry.is_symlink() or entry.is_file()):
            yield path
        if is_directory and (not excluded or _has_exceptions_below(path, patterns)):
            yield from _walk(app, path, patterns, matched)


def _has_exceptions_below(path: str, patterns: Sequence[_Pattern]) -> bool:
    return any(one.exception and f"{one.path}/".startswith(f"{path}/") for one in patterns)


def _excluded(path: str, patterns: Sequence[_Pattern], above: Sequence[bool]) -> tuple[bool, list[bool]]:
    """Whether the patterns exclude a path, and for each pattern whether it matches the path.

    The last pattern that matches decides. A pattern that matches a directory matches all that is below.
    """
    excluded, matched = False, []
    for number, pattern in enumerate(patterns):
        match = bool(above and above[number])
        # A pattern that would change nothing is not asked, and so does not match below, either.
        if not match and pattern.exception == excluded:
            match = pattern.matches(path)
        matched.append(match)
        if match:
            excluded = not pattern.exception
    return excluded, matched


def _patterns(app: Path) -> list[_Pattern]:
    file = app / IGNORE_FILE
    text = file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else ""
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#") or not (pattern := _stripped(line)):
            continue
        exception = pattern.startswith("!")
        path = _stripped(pattern[1:]) if exception else pattern
        path = _clean(path) if path else ""
        path = path[1:] if len(path) > 1 and path.startswith("/") else path
        # Go cleans the path once more, now with its `!`: `!../..` is `.` then, and no exception.
        path = _clean("!" * exception + path)
        exception = path.startswith("!")
        path = path[exception:]
        refuse = partial(_refuse, number, pattern)
        if not path or _malformed(path):
            refuse()
        found.append(_Pattern(path, exception, _matcher(path, refuse)))
    return found


def _refuse(number: int, pattern: str) -> NoReturn:
    raise ImageError(
        f"app/{IGNORE_FILE}:{number} is no pattern",
        why=f"docker build refuses {pattern!r}",
        next_step="mend that line and run the command again",
    )


def _stripped(text: str) -> str:
    return _AROUND.sub("", text)


def _clean(path: str) -> str:
    """A path without `.`, `..` and doubled slashes, as Go's filepath.Clean gives it."""
    rooted, parts = path.startswith("/"), list[str]()
    for part in path.split("/"):
        if part == ".." and (rooted or (parts and parts[-1] != "..")):
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" * rooted + "/".join(parts) or "."


def _malformed(pattern: str) -> bool:
    """Whether Go's filepath.Match refuses the pattern for the path ".", which docker build asks for.

    Go looks no further than the first `*` inside the pattern, unless what stands before matches ".".
    """
    chunk, more = _CHUNK.match(pattern.lstrip("*")), ""
    if chunk is None:
        return False
    start, more = chunk[0], pattern.lstrip("*")[chunk.end() :].lstrip("*")
    if _TOKENS.fullmatch(start) is None:
        return True
    of_one_character = start in (".", "?", "\\.") or (start[0] == "[" and _TOKEN.fullmatch(start))
    if not of_one_character or (start[0] == "[" and not re.fullmatch(start, ".")):
        return False
    rest = _CHUNK.match(more)
    return rest is not None and _TOKENS.fullmatch(rest[0]) is None


def _matcher(pattern: str, refuse: Callable[[], NoReturn]) -> Callable[[str], bool]:
    """The test whether a pattern matches a path, as the Docker command line tests it.

    refuse: called by the first test of a pattern that makes no regular expression.
    """
    regex, kind, at = "", "equal", 0
    while at < len(pattern):
        first, character = at == 0, pattern[at]
        at += 1
        if pattern.startswith("**", at - 1):
            at += 2 if pattern.startswith("/", at + 1) else 1
            if at < len(pattern):
                regex, kind = regex + "(.*/)?", "regex"
            elif kind == "equal":
                kind = "prefix"
            else:
                regex, kind = regex + ".*", "regex"
            kind = "suffix" if first else kind
        elif character in "*?":
            regex, kind = regex + ("[^/]*" if character == "*" else "[^/]"), "regex"
        elif character == "\\":
            regex, kind, at = regex + pattern[at - 1 : at + 1], "regex", at + 1
        elif character in "[]":
            regex, kind = regex + character, "regex"
        else:
            regex += f"\\{character}" if character in _SPECIAL_IN_A_REGEX_ONLY else character
    if kind == "equal":
        return pattern.__eq__
    if kind == "prefix":
        return lambda path: path.startswith(pattern[:-2])
    if kind == "suffix":
        end = pattern[2:]
        return lambda path: path.endswith(end) or (end.startswith("/") and path == end[1:])

    @cache
    def compiled() -> re.Pattern[str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of `[[`, which means the same in Go
                return re.compile(f"{regex}$", re.ASCII)
        except re.error:
            refuse()

    return lambda path: compiled().match(path) is not None
