"""Stopping what is under way: whoever began it, whenever it began, and never what puts the former back."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.release import destroy, stop_rollout
from pipeline.rollout.options import RolloutOptions
from tests.support.fake_rollout import RESOURCES, FakeElb, FakeLogs, FakeRollouts
from tests.support.fakes import Audience, client_error
from tests.support.small_project import DIGEST, REPOSITORY, World, world

IMAGE = f"{REPOSITORY}@{DIGEST}"
STACK = "orders-dev-app"


class Later(FakeRollouts):
    """A rollout begins only after so many looks."""

    looks = 3

    def list_service_deployments(self, **request: Any) -> dict[str, Any]:
        self.looks -= 1
        if self.looks == 0:
            self.release(IMAGE)
        if not self.deployments:
            return {"serviceDeployments": []}
        return super().list_service_deployments(**request)


class Setup:
    """A deployed service whose stack is as it is told."""

    def __init__(self, root: Path, ecs: FakeRollouts) -> None:
        self.here: World = world(root, ecs=ecs, elbv2=FakeElb(), logs=FakeLogs()).deployed()
        self.here.cloudformation.resources = dict(RESOURCES)
        self.ecs, self.said = ecs, list[str]()

    def goes_through(self, status: str, *then: str) -> None:
        cloudformation = self.here.cloudformation
        [stack_id] = [i for i, s in cloudformation.stacks.items() if s["StackName"] == STACK]
        cloudformation.stacks[stack_id]["StackStatus"] = status
        cloudformation.ahead[stack_id] = list(then)

    def stop(self) -> str | None:
        context = self.here.context
        node = context.stacks["app"]
        current = context.current(node)
        assert current is not None
        return stop_rollout.stop(context, context.spec(node, {}), current, self.said.append, RolloutOptions())


@pytest.fixture
def it(tmp_path: Path) -> Setup:
    return Setup(tmp_path, FakeRollouts())


def test_a_stack_update_on_its_way_to_a_rollout_is_waited_for_and_then_stopped(tmp_path: Path) -> None:
    it = Setup(tmp_path, Later())
    it.goes_through(*["UPDATE_IN_PROGRESS"] * 20, "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
    stopped = it.stop()

    assert ["d1"] == [arn.rpartition("/")[2] for arn in it.ecs.stopped]
    assert "UPDATE_IN_PROGRESS: waiting for its rollout to begin, to stop it" == it.said[0]
    assert stopped is not None
    assert stopped.endswith("and is ROLLBACK_SUCCESSFUL")


def test_a_rollback_of_the_stack_is_let_end_and_the_gates_on_its_way_are_opened(it: Setup) -> None:
    it.ecs.release(IMAGE)
    it.goes_through(*["UPDATE_ROLLBACK_IN_PROGRESS"] * 40, "UPDATE_ROLLBACK_COMPLETE")
    stopped = it.stop()

    assert [] == it.ecs.stopped
    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == it.ecs.answers
    assert stopped is not None


def test_a_stack_that_rolls_back_before_it_came_to_a_rollout_is_told_too(it: Setup) -> None:
    it.ecs.release(IMAGE, status="SUCCESSFUL")
    it.goes_through(*["UPDATE_ROLLBACK_IN_PROGRESS"] * 9, "UPDATE_ROLLBACK_COMPLETE")

    assert f"stack {STACK} is UPDATE_ROLLBACK_COMPLETE" == it.stop()


def test_an_update_that_ends_without_a_rollout_leaves_nothing_to_stop(it: Setup) -> None:
    it.ecs.release(IMAGE, status="SUCCESSFUL")
    it.goes_through(*["UPDATE_IN_PROGRESS"] * 9, "UPDATE_COMPLETE")

    assert it.stop() is None


@pytest.mark.parametrize("then", [["DELETE_IN_PROGRESS"] * 9, ["DELETE_COMPLETE"]])
def test_a_stack_that_is_being_deleted_is_left_to_that(it: Setup, then: list[str]) -> None:
    it.ecs.release(IMAGE)
    it.goes_through("DELETE_IN_PROGRESS", *then)

    assert it.stop() is None
    assert [] == it.ecs.stopped
    assert 0 == it.here.time.now


@pytest.mark.parametrize("code", ["ServiceNotFoundException", "ClusterNotFoundException"])
def test_a_service_that_somebody_deleted_has_no_rollout_to_stop(
    it: Setup, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def gone(**_: Any) -> Any:
        raise client_error("ListServiceDeployments", code, "not found")

    monkeypatch.setattr(it.ecs, "list_service_deployments", gone)

    assert it.stop() is None
    assert destroy.destroy(it.here.context, Audience()) is None


def test_one_begun_past_cloudformation_is_stopped_and_its_end_waited_for(it: Setup) -> None:
    it.ecs.release(IMAGE)

    assert "rollout d1 was stopped in RECONCILE_SERVICE and is ROLLBACK_SUCCESSFUL" == it.stop()


def test_destroy_stops_a_rollout_at_its_gate_before_it_deletes(it: Setup) -> None:
    it.ecs.release(IMAGE)
    it.ecs.stays = "PRE_SCALE_UP"
    audience = Audience()

    assert destroy.destroy(it.here.context, audience) is None
    assert 1 == len(it.ecs.stopped)
    assert "ROLLBACK_SUCCESSFUL" == it.ecs.deployments[0]["status"]
    assert f"delete {STACK}" == it.here.cloudformation.log[0]
