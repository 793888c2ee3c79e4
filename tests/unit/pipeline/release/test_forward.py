"""A push's release never goes backwards; by hand everything stays possible."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.aws import lock
from pipeline.aws.release_record import FAILED, LOST, SUCCEEDED, UNDER_WAY, Release
from pipeline.cli import connect
from pipeline.errors import SmokeFailedError
from pipeline.image import git
from pipeline.inspect import history, status
from pipeline.release import deploy, destroy, forward
from pipeline.rollout.options import RolloutOptions
from tests.support import command
from tests.support.fakes import Audience, FakeSession
from tests.support.small_project import DIGEST, REPOSITORY, World, answering_world

COMMITS = ["a" * 40, "b" * 40, "c" * 40]
OLD, NEW, NEWEST = COMMITS
RECORD = "/slipway/orders/dev/releases"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = answering_world(tmp_path, monkeypatch)
    monkeypatch.setattr(git, "is_behind", is_behind)
    for name in ("GITHUB_RUN_ID", "GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    return made


def is_behind(_: Path, commit: str, released: str, __: str) -> bool:
    return COMMITS.index(commit) < COMMITS.index(released)


def push(here: World, commit: str, *, by_hand: bool = False) -> deploy.Released:
    options = RolloutOptions(commit=commit, forward_only=not by_hand)
    return deploy.deploy(here.context, Audience(), lambda _, __: None, options=options)


def commits(here: World) -> list[tuple[str, str]]:
    return [(each.commit, each.outcome) for each in reversed(history.describe(here.context))]


def test_a_push_that_is_older_than_what_was_released_touches_nothing(here: World) -> None:
    push(here, NEW)
    here.cloudformation.log.clear()
    before = dict(here.ssm.values)

    again = push(here, OLD)

    assert again.failure is None
    assert again.notice.startswith(f"{OLD[:12]} is older than {NEW[:12]}, which dev has")
    assert "http://lb" == again.url
    assert [] == here.cloudformation.log
    assert before == here.ssm.values


@pytest.mark.parametrize("commit", [NEW, NEWEST])
def test_the_same_commit_again_and_a_newer_one_are_released(here: World, commit: str) -> None:
    push(here, NEW)

    assert "" == push(here, commit).notice
    assert [(NEW, SUCCEEDED), (commit, SUCCEEDED)] == commits(here)


def test_by_hand_an_older_commit_is_released(here: World) -> None:
    push(here, NEW)

    assert "" == push(here, OLD, by_hand=True).notice
    assert "" == push(here, OLD).notice


def test_of_two_pushes_the_older_that_waited_for_the_newer_is_not_released(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(here, OLD)
    waited_for = lock.held

    def held(*words: Any, **more: Any) -> Any:
        monkeypatch.setattr(lock, "held", waited_for)
        push(here, NEWEST)
        here.cloudformation.log.clear()
        return waited_for(*words, **more)

    monkeypatch.setattr(lock, "held", held)

    assert f"older than {NEWEST[:12]}" in push(here, NEW).notice
    assert [] == here.cloudformation.log


def test_a_release_that_failed_before_it_served_stands_in_nobodys_way(here: World) -> None:
    push(here, OLD)
    here.cloudformation.next_ends["orders-dev-app"] = ["UPDATE_ROLLBACK_COMPLETE"]
    app = here.context.project.templates / "app.yaml"
    app.write_text(app.read_text() + "# edited\n")
    failed = push(here.reread(), NEWEST)
    here.cloudformation.next_ends.clear()

    assert failed.failure is not None
    assert "" == push(here, NEW).notice
    assert [(OLD, SUCCEEDED), (NEWEST, FAILED), (NEW, SUCCEEDED)] == commits(here)


def test_a_version_that_serves_although_its_smoke_tests_failed_was_released(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSession, "version", "another")

    assert isinstance(push(here, NEW).failure, SmokeFailedError)
    assert "older than" in push(here, OLD).notice


def test_a_runner_that_is_killed_leaves_an_entry_that_says_so(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(here, OLD)
    begun = Release(id="killed", action="deploy", commit=NEWEST, began="2999-01-01T00:00:00Z")
    forward.record_of(here.context).begin(begun)

    assert [(OLD, SUCCEEDED), (NEWEST, LOST)] == commits(here)
    assert f"older than {NEWEST[:12]}" in push(here, NEW).notice

    monkeypatch.setattr(lock, "holder", lambda *_: "killed")
    assert [(OLD, SUCCEEDED), (NEWEST, UNDER_WAY)] == commits(here)


def test_status_and_history_say_who_released_what_and_when(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_ACTOR": "ana",
        "GITHUB_TRIGGERING_ACTOR": "bo",
    }.items():
        monkeypatch.setenv(name, value)
    push(here, NEW)
    monkeypatch.setattr(connect, "guarded", lambda *_: here.context)
    _, shown = command.run("status", "dev")
    _, listed = command.run("history", "dev")
    [told] = history.describe(here.context)
    [tags] = here.ecr.images.values()

    assert ("bo", "https://github.example/acme/shop/actions/runs/42") == (told.by, told.run)
    assert (NEW, tags[0], f"{REPOSITORY}@{DIGEST}") == (told.commit, told.version, told.image)
    assert told == status.describe(here.context).released
    assert f"of commit {NEW} by bo, {told.began}: succeeded https://github.example" in shown
    assert NEW[:12] in listed
    assert "succeeded" in listed


def test_an_environment_that_never_had_a_release_says_so(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "guarded", lambda *_: here.context)

    code, said = command.run("history", "dev")

    assert 0 == code
    assert "nothing was released yet" in said
    assert status.describe(here.context).released is None


def test_a_destroyed_environment_is_forgotten(here: World) -> None:
    push(here, NEW)

    assert destroy.destroy(here.context, Audience()) is None
    assert RECORD not in here.ssm.values


def test_a_rollback_has_the_commit_of_the_image_that_it_releases(here: World) -> None:
    push(here, OLD)
    back = RolloutOptions(served_before=True)
    image = f"{REPOSITORY}@{DIGEST}"
    deploy.deploy(here.context, Audience(), lambda _, __: None, image_uri=image, options=back)

    [rollback, _] = history.describe(here.context)
    assert ("rollback", OLD) == (rollback.action, rollback.commit)


@pytest.mark.parametrize(
    "words", [("--forward-only",), ("--commit", "main"), ("--forward-only", "--commit", "unknown")]
)
def test_a_commit_that_can_not_be_compared_is_refused_before_anything(
    here: World, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(connect, "open_environment", lambda *_: here.context)

    code, said = command.run("deploy", "dev", *words)

    assert 2 == code
    assert "--commit" in said
    assert {} == here.ssm.values


def test_on_github_the_notice_is_an_annotation_and_leads_the_summary(
    here: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    push(here, NEW)
    monkeypatch.setattr(connect, "open_environment", lambda *_: here.context)
    monkeypatch.setattr(connect, "base_image", lambda _: lambda *_: None)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))

    code, said = command.run("deploy", "dev", "--forward-only", "--commit", OLD)

    assert 0 == code
    assert f"::notice::{OLD[:12]} is older than {NEW[:12]}" in said
    assert (tmp_path / "summary.md").read_text().startswith("## ⏭️ deploy dev: nothing released\n")
    assert "url=http://lb\n" == (tmp_path / "output").read_text()
