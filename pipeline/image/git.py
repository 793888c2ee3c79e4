"""What git says of a checkout: its commit, and which of two commits came first."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import UsageError

UNKNOWN = "unknown"


def run(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What a git command answers, whatever that is. Raises UsageError where git could not be run."""
    try:
        return subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *words],  # noqa: S607
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError("git could not be run", why=str(error), next_step="install git") from error


def ask(root: Path, *words: str) -> str | None:
    """What git prints, or None where it says no."""
    done = run(root, *words)
    return done.stdout.strip() if done.returncode == 0 else None


def commit(directory: Path, log: Callable[[str], None]) -> str:
    """The commit of a directory's checkout, with `-dirty` where files differ from that; else `unknown`.

    Outside git nobody expects a commit. Where git refuses to say (the checkout belongs to another user), the
    log is told git's own words.
    """
    try:
        done = run(directory, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
    except UsageError as error:
        log(f"the commit is not known: {error}")
        return UNKNOWN
    if done.returncode == 0:
        return done.stdout.strip() or UNKNOWN
    if "not a git repository" not in done.stderr:
        said = " ".join(done.stderr.split())
        log(f"the commit is not known, for git says: {said}")
    return UNKNOWN


def is_behind(root: Path, commit: str, released: str, branch: str) -> bool:
    """Whether `commit` came before `released`: git knows it as an ancestor, and not as the same commit.

    released: "" where nobody knows. Where git does not know that commit (its branch was pushed over), the
    newest commit of `branch` at origin stands in: what is older than that one is not released by itself.
    Raises UsageError where the checkout has not all commits, or does not have `commit`.
    """
    if ask(root, "rev-parse", "--is-shallow-repository") != "false":
        said = run(root, "rev-parse", "--is-shallow-repository").stderr.strip()
        raise UsageError(
            "which of two commits came first can't be said",
            why=said or "the checkout is a shallow one: it does not have the commits before",
            next_step="check out with fetch-depth: 0, as .github/workflows/release.yml does",
        )
    ours = _known(root, commit.removesuffix("-dirty"))
    if ours is None:
        raise UsageError(
            f"git knows no commit {commit!r}",
            why="it is the commit to release, and must be part of the checkout",
            next_step="check out the repository that the commit belongs to",
        )
    other = _known(root, released.removesuffix("-dirty")) or _known(root, f"origin/{branch}")
    if other is None or other == ours:
        return False
    return ask(root, "merge-base", "--is-ancestor", ours, other) is not None


def _known(root: Path, name: str) -> str | None:
    if not name.rpartition("/")[2]:
        return None
    return ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") or None
