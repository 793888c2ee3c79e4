"""Back to the version before: a rollout under way is stopped, otherwise the former image is released."""

from pathlib import Path

import pytest

from pipeline.aws import lock
from pipeline.aws.release_record import Release
from pipeline.cli import connect
from pipeline.errors import RolloutFailedError, StackStuckError, UsageError
from pipeline.release import deploy, forward, rollback
from pipeline.rollout.options import RolloutOptions
from tests.support import command
from tests.support.fake_rollout import RESOURCES, FakeElb, FakeLogs, FakeRollouts
from tests.support.small_project import DIGEST, REPOSITORY, World, world

NOW = f"{REPOSITORY}@{DIGEST}"
BEFORE = f"{REPOSITORY}@sha256:{'b' * 64}"


@pytest.fixture
def here(tmp_path: Path) -> World:
    made = world(tmp_path, ecs=FakeRollouts(), elbv2=FakeElb(), logs=FakeLogs()).deployed()
    made.cloudformation.resources = dict(RESOURCES)
    for stack in made.cloudformation.stacks.values():
        stack["Parameters"] = [{"ParameterKey": "ImageUri", "ParameterValue": NOW}]
    return made


def ecs(here: World) -> FakeRollouts:
    found: FakeRollouts = here.context.aws.client("ecs")
    return found


def test_a_rollout_under_way_is_stopped_and_waited_for(here: World) -> None:
    arn = ecs(here).release(BEFORE)

    said = rollback.stop(here.context, lambda _: None, RolloutOptions())

    assert [arn] == ecs(here).stopped
    assert said is not None
    assert said.startswith("rollout d1 was stopped in RECONCILE_SERVICE")


def test_a_rollout_that_rolls_back_already_is_not_stopped_twice(here: World) -> None:
    ecs(here).release(BEFORE)
    ecs(here).deployments[0]["status"] = "ROLLBACK_IN_PROGRESS"

    assert rollback.stop(here.context, lambda _: None, RolloutOptions()) is not None
    assert [] == ecs(here).stopped


def test_a_rollback_that_failed_itself_is_no_success(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ecs(here).release(BEFORE)
    monkeypatch.setattr(ecs(here), "rollback_ends", "ROLLBACK_FAILED")

    with pytest.raises(RolloutFailedError) as failed:
        rollback.stop(here.context, lambda _: None, RolloutOptions())

    assert "rollout d1 could not be rolled back" == failed.value.what
    assert "python -m pipeline status dev" in failed.value.next_step


def test_a_stack_that_is_stuck_on_its_way_back_is_no_success(here: World) -> None:
    [current] = [
        id_ for id_, stack in here.cloudformation.stacks.items() if stack["StackName"].endswith("app")
    ]
    here.cloudformation.stacks[current]["StackStatus"] = "UPDATE_IN_PROGRESS"
    here.cloudformation.ahead[current] = ["UPDATE_IN_PROGRESS"] * 9 + ["UPDATE_ROLLBACK_FAILED"]
    ecs(here).release(BEFORE)

    with pytest.raises(StackStuckError) as stuck:
        rollback.stop(here.context, lambda _: None, RolloutOptions())

    assert "continue-update-rollback" in stuck.value.next_step


def begun(here: World, **fields: str) -> None:
    """A rollback that was begun, and of whose end nothing is known."""
    release = {"id": "killed", "action": "rollback", "image": BEFORE, **fields}
    forward.record_of(here.context).begin(Release.model_validate(release))


def test_a_rollback_whose_runner_died_is_carried_on_with(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(here)

    assert BEFORE == rollback.interrupted(here.context)
    monkeypatch.setattr(lock, "holder", lambda *_: "killed")
    assert rollback.interrupted(here.context) is None


def test_carrying_on_stops_no_rollout_and_releases_what_the_dead_runner_released(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(here)
    ecs(here).release(BEFORE)
    asked: list[str | None] = []
    monkeypatch.setattr(connect, "guarded", lambda *_: here.context)
    monkeypatch.setattr(
        rollback, "release_previous", lambda *words: asked.append(words[-1]) or deploy.Released("dev", {})
    )

    command.run("rollback", "dev")

    assert [BEFORE] == asked
    assert [] == ecs(here).stopped


@pytest.mark.parametrize("fields", [{"ended": "2026-12-01T00:00:00Z"}, {"action": "deploy"}, {"image": ""}])
def test_another_release_is_not_carried_on_with_by_a_rollback(here: World, fields: dict[str, str]) -> None:
    begun(here, **fields)

    assert rollback.interrupted(here.context) is None


def test_where_no_rollout_is_under_way_there_is_nothing_to_stop(here: World) -> None:
    ecs(here).release(NOW, status="SUCCESSFUL")

    assert rollback.stop(here.context, lambda _: None, RolloutOptions()) is None


def test_the_previous_image_is_the_last_released_one_that_differs(here: World) -> None:
    ecs(here).release(f"{REPOSITORY}@sha256:{'c' * 64}", status="SUCCESSFUL")
    ecs(here).release(BEFORE, status="SUCCESSFUL")
    ecs(here).release(f"{REPOSITORY}@sha256:{'d' * 64}", status="ROLLBACK_SUCCESSFUL")
    ecs(here).release(NOW, status="SUCCESSFUL")
    ecs(here).release(NOW, status="SUCCESSFUL")

    assert BEFORE == rollback.previous_image(here.context)


def test_a_revision_that_ecs_has_forgotten_is_passed_over(here: World) -> None:
    ecs(here).release(BEFORE, status="SUCCESSFUL")
    ecs(here).release(f"{REPOSITORY}@sha256:{'c' * 64}", status="SUCCESSFUL")
    del ecs(here).revisions["arn:revision/2"]

    assert BEFORE == rollback.previous_image(here.context)


def test_without_a_version_before_the_way_out_is_named(here: World) -> None:
    ecs(here).release(NOW, status="SUCCESSFUL")

    with pytest.raises(UsageError) as refused:
        rollback.previous_image(here.context)

    assert "deploy dev --image URI@DIGEST" in refused.value.next_step


def test_where_nothing_is_deployed_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        rollback.stop(world(tmp_path, ecs=FakeRollouts()).context, lambda _: None, RolloutOptions())
