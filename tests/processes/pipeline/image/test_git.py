"""What git says of a checkout, with a real git."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.image import git


def run(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, content: str) -> str:
    (root / "file").write_text(content)
    run(root, "add", "-A")
    run(root, "commit", "-qm", content)
    return run(root, "rev-parse", "HEAD")


@pytest.fixture
def commits(tmp_path: Path) -> tuple[str, str, str]:
    """Three commits on main, which origin has all; checked out is the first, as in a re-run."""
    (tmp_path / "origin").mkdir()
    run(tmp_path / "origin", "init", "-q", "-b", "main")
    made = tuple(commit(tmp_path / "origin", word) for word in ("first", "second", "third"))
    run(tmp_path, "clone", "-q", "origin", "here")
    run(tmp_path / "here", "checkout", "-q", made[0])
    first, second, third = made
    return first, second, third


def test_the_commit_tells_when_files_differ_from_it(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q")
    head = commit(tmp_path, "one")
    clean = git.commit(tmp_path, print)
    (tmp_path / "file").write_text("two")

    assert head == clean
    assert f"{head}-dirty" == git.commit(tmp_path, print)


def test_outside_git_there_is_no_commit_and_nothing_to_say(tmp_path: Path) -> None:
    said: list[str] = []

    assert git.UNKNOWN == git.commit(tmp_path, said.append)
    assert [] == said


def test_a_checkout_of_another_user_has_gits_own_words_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # a machine's own safe.directory says otherwise
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    run(tmp_path, "init", "-q")
    commit(tmp_path, "one")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as if the files were another user's
    said: list[str] = []

    assert git.UNKNOWN == git.commit(tmp_path, said.append)
    assert len(said) == 1
    assert "the commit is not known" in said[0]
    assert "dubious ownership" in said[0]
    assert "safe.directory" in said[0]


def test_only_what_came_before_is_behind(tmp_path: Path, commits: tuple[str, str, str]) -> None:
    first, second, third = commits
    here = tmp_path / "here"

    assert git.is_behind(here, first, third, "main")
    assert git.is_behind(here, second, f"{third}-dirty", "main")
    assert not git.is_behind(here, third, third, "main")
    assert not git.is_behind(here, third, first, "main")


def test_a_commit_that_was_pushed_over_gives_way_to_the_newest_of_its_branch(
    tmp_path: Path, commits: tuple[str, str, str]
) -> None:
    first, _, third = commits
    here, gone = tmp_path / "here", "d" * 40

    assert git.is_behind(here, first, gone, "main")
    assert not git.is_behind(here, third, gone, "main")
    assert git.is_behind(here, first, "", "main")
    assert not git.is_behind(here, first, gone, "")


def test_a_commit_on_another_branch_is_not_behind(tmp_path: Path, commits: tuple[str, str, str]) -> None:
    here = tmp_path / "here"
    aside = commit(here, "aside")

    assert not git.is_behind(here, aside, commits[2], "main")


def test_a_shallow_checkout_can_not_say_and_is_refused(tmp_path: Path, commits: tuple[str, str, str]) -> None:
    run(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/origin", "shallow")

    with pytest.raises(UsageError, match="the checkout is a shallow one"):
        git.is_behind(tmp_path / "shallow", commits[2], commits[0], "main")


def test_a_commit_of_another_repository_is_refused(tmp_path: Path, commits: tuple[str, str, str]) -> None:
    with pytest.raises(UsageError, match="git knows no commit"):
        git.is_behind(tmp_path / "here", "e" * 40, commits[0], "main")
