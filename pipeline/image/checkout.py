"""app/ as it was at another commit: in a second work tree, so that git knows the commit of that app/. And
whether a directory differs from another commit's.

The commit must be part of the checkout's history. Otherwise anybody who may start a workflow could have the
code of any branch built under main's name, past every review.
"""

import shutil
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.image import git

PLACE = Path(".slipway/source")


def at(root: Path, ref: str) -> Path:
    """The app/ directory of the commit, tag or branch called `ref`, checked out below `root`.

    Raises UsageError where there is no such commit, where the commit is not part of what is checked out, or
    where the commit has no app/Dockerfile.
    """
    commit = _commit(root, ref)
    if git.ask(root, "merge-base", "--is-ancestor", commit, "HEAD") is None:
        raise UsageError(
            f"{ref!r} is not part of what is checked out",
            why=f"{commit[:12]} is no ancestor of HEAD: never merged, or the checkout is a shallow one",
            next_step="merge that commit first; then release it, or an image built from it, by digest",
        )
    place = root / PLACE
    shutil.rmtree(place, ignore_errors=True)
    _must(root, "worktree", "prune")
    _must(root, "worktree", "add", "--detach", str(place), commit)
    app = place / "app"
    if not (app / "Dockerfile").is_file():
        raise UsageError(f"{ref!r} has no app/Dockerfile", next_step="name a commit that has one")
    return app


def differs(root: Path, base: str, directory: Path) -> bool:
    """Whether what is checked out changes anything in `directory` since it left `base`, a commit.

    True where git can't say: a look too many does no harm.
    """
    commit = git.ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    return (
        commit is None or git.ask(root, "diff", "--quiet", f"{commit}...HEAD", "--", str(directory)) is None
    )


def _commit(root: Path, ref: str) -> str:
    for name in (ref, f"origin/{ref}"):
        found = git.ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found:
            return found
    raise UsageError(
        f"git knows no commit {ref!r}", next_step="name a commit, a tag or a branch of this repository"
    )


def _must(root: Path, *words: str) -> None:
    done = git.run(root, *words)
    if done.returncode != 0:
        raise UsageError(
            f"git {words[0]} {words[1]} failed",
            why=done.stderr.strip(),
            next_step="mend what git names and run the command again",
        )
