"""app/ at another commit, with a real git."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.image import checkout
from pipeline.image import git as git_of


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, content: str) -> str:
    (root / "app").mkdir(exist_ok=True)
    (root / "app/Dockerfile").write_text(content)
    git(root, "add", "-A")
    git(root, "commit", "-qm", content)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two commits on main, `v1` on the first of them, and a branch that was never merged."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / ".gitignore").write_text(".slipway/\n")
    commit(tmp_path, "first")
    git(tmp_path, "tag", "v1")
    git(tmp_path, "checkout", "-qb", "unmerged")
    commit(tmp_path, "not reviewed")
    git(tmp_path, "checkout", "-q", "main")
    commit(tmp_path, "second")
    return tmp_path


def test_a_tag_gives_the_app_of_its_commit_and_leaves_the_checkout_alone(root: Path) -> None:
    app = checkout.at(root, "v1")

    assert "first" == (app / "Dockerfile").read_text()
    assert "second" == (root / "app/Dockerfile").read_text()


def test_the_image_names_the_commit_that_it_was_built_from(root: Path) -> None:
    app = checkout.at(root, "v1")

    assert git(root, "rev-parse", "v1") == git_of.commit(app, print)


def test_another_commit_takes_the_place_of_the_one_before(root: Path) -> None:
    checkout.at(root, "v1")

    assert "second" == (checkout.at(root, "main") / "Dockerfile").read_text()


def test_one_whose_making_was_cut_short_is_made_again(root: Path) -> None:
    place = checkout.at(root, "v1").parent
    (place / ".git").unlink()
    (place / "app/Dockerfile").unlink()

    assert "first" == (checkout.at(root, "v1") / "Dockerfile").read_text()


def test_a_branch_of_the_remote_is_found_by_its_own_name(root: Path) -> None:
    git(root, "update-ref", "refs/remotes/origin/released", "v1")

    assert "first" == (checkout.at(root, "released") / "Dockerfile").read_text()


def test_what_was_never_merged_is_not_built(root: Path) -> None:
    with pytest.raises(UsageError, match="'unmerged' is not part of what is checked out"):
        checkout.at(root, "unmerged")


@pytest.mark.parametrize("ref", ["nothing", "--output=x", "v1^{tree}", "a b"])
def test_what_git_does_not_know_as_a_commit_is_refused(root: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="git knows no commit"):
        checkout.at(root, ref)


def test_a_commit_without_a_service_is_refused(root: Path) -> None:
    git(root, "rm", "-q", "-r", "app")
    git(root, "commit", "-qm", "no app")

    with pytest.raises(UsageError, match=r"has no app/Dockerfile"):
        checkout.at(root, "main")


def test_a_branch_differs_by_what_it_changed_itself_and_not_by_what_main_got_meanwhile(root: Path) -> None:
    infra = root / "infra"
    git(root, "checkout", "-qb", "branch")
    commit(root, "only the service")
    service_alone = checkout.differs(root, "main", infra)
    git(root, "checkout", "-q", "main")
    infra.mkdir()
    (infra / "new.yaml").write_text("Resources: {}\n")
    commit(root, "main moved on")
    git(root, "checkout", "-q", "branch")
    main_moved_on = checkout.differs(root, "main", infra)
    infra.mkdir(exist_ok=True)
    (infra / "mine.yaml").write_text("Resources: {}\n")
    commit(root, "a template, too")

    assert (False, False, True) == (service_alone, main_moved_on, checkout.differs(root, "main", infra))


def test_where_git_does_not_know_the_base_everything_may_differ(root: Path) -> None:
    assert checkout.differs(root, "0" * 40, root / "infra")
