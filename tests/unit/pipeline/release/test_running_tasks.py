"""A deploy with nothing to change looks at what runs, says what is not well, and puts it right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.errors import RolloutFailedError, RolloutRefusedError, StackStuckError, WaitTimeoutError
from pipeline.graph.runner import Result
from pipeline.release.service_step import ServiceStep
from pipeline.rollout.options import RolloutOptions
from tests.support.fake_rollout import RESOURCES, SERVICE, FakeCloudWatch, FakeElb, FakeLogs, FakeRollouts
from tests.support.small_project import DIGEST, OUTPUTS, REPOSITORY, World, world
from tests.unit.pipeline.release.test_stack_step import AsRemembered

IMAGE = f"{REPOSITORY}@{DIGEST}"
ASKED_FOR = "orders-dev:1"
COUNT = "  TaskCount: {Type: Number, Default: 2}\n"
GROUP = "  DatabaseClientSecurityGroupId: {Type: String, Default: sg-1}\n"
SCALER = "  Scaler: {Type: 'AWS::ApplicationAutoScaling::ScalableTarget'}\n"
STRAIGHT = RolloutOptions(straight=True)


class Service:
    """The service stack of `dev`, as it was left; `deploy` is its turn in a deploy with nothing to change."""

    def __init__(self, here: World, ecs: FakeRollouts, cloudwatch: FakeCloudWatch) -> None:
        self.here, self.ecs, self.cloudwatch, self.said = here, ecs, cloudwatch, list[str]()

    @property
    def runs(self) -> dict[str, Any]:
        return self.ecs.services[0]

    def template(self, change: Callable[[str], str]) -> None:
        file = self.here.context.project.templates / "app.yaml"
        file.write_text(change(file.read_text()))
        self.here = self.here.reread()

    def deploy(self, options: RolloutOptions = STRAIGHT) -> Result:
        node = self.here.context.stacks["app"]
        step = ServiceStep(self.here.context, node, self.said.append, cast(Any, AsRemembered()), options)
        given = {"rds": OUTPUTS["orders-dev-rds"], "image": {"ImageUri": IMAGE}}
        return step.run({"vpc": OUTPUTS["orders-dev-vpc"], **given})

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    ecs, cloudwatch = FakeRollouts(), FakeCloudWatch()
    here = world(tmp_path, ecs=ecs, cloudwatch=cloudwatch, elbv2=FakeElb(), logs=FakeLogs())
    outputs = {"ServiceArn": SERVICE, "TaskDefinitionArn": ASKED_FOR, "ClusterName": "dev-cluster"}
    here.cloudformation.have("orders-dev-app", "UPDATE_COMPLETE", outputs=outputs)
    here.cloudformation.resources = dict(RESOURCES)
    ecs.release(IMAGE, status="SUCCESSFUL")
    made = Service(here, ecs, cloudwatch)
    made.template(lambda text: text.replace("  ImageUri:", f"{COUNT}{GROUP}  ImageUri:"))
    return made


def test_a_service_that_is_well_is_left_alone(service: Service) -> None:
    assert "unchanged" == service.deploy().word
    assert ([], []) == (service.ecs.updates, service.said)


def test_a_service_that_was_set_to_0_tasks_is_said_and_has_its_tasks_again(service: Service) -> None:
    service.runs.update(desiredCount=0, runningCount=0)

    assert "put right" == service.deploy().word
    assert [{"desiredCount": 2}] == service.ecs.updates
    assert 2 == service.runs["runningCount"]
    assert (
        "0 of 0 tasks run: the count was changed past CloudFormation; setting it to 2, as orders-dev-app asks"
        in service.text
    )


def test_so_is_one_whose_stack_has_nothing_to_change_only_when_cloudformation_was_asked(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AsRemembered, "is_unchanged", lambda *_: False)
    service.here.cloudformation.empty.add("orders-dev-app")
    service.runs.update(desiredCount=0, runningCount=0)

    assert "put right" == service.deploy().word
    assert [{"desiredCount": 2}] == service.ecs.updates


def test_tasks_that_somebody_added_stay_until_the_next_release(service: Service) -> None:
    service.runs.update(desiredCount=6, runningCount=6)

    assert "unchanged" == service.deploy().word
    assert [] == service.ecs.updates
    assert "6 of 6 tasks run; orders-dev-app asks for 2" in service.text


def test_tasks_that_are_about_to_run_are_waited_for(service: Service) -> None:
    service.runs.update(runningCount=1)

    assert "unchanged" == service.deploy().word
    assert "1 of 2 tasks run: waiting for the others" in service.text


def test_tasks_that_do_not_come_are_an_error_and_not_as_it_should_be(service: Service) -> None:
    service.runs.update(runningCount=0)
    service.ecs.starts = 1

    with pytest.raises(WaitTimeoutError) as ended:
        service.deploy()

    assert "1 of 2 tasks run" == ended.value.why


def test_the_count_of_an_autoscaler_is_the_autoscalers(service: Service) -> None:
    service.template(lambda text: text.replace("Outputs:", f"{SCALER}Outputs:"))
    service.runs.update(desiredCount=1, runningCount=1)

    assert "unchanged" == service.deploy().word
    assert [] == service.ecs.updates


def test_0_tasks_of_a_count_that_nothing_tells_want_a_person(service: Service) -> None:
    service.template(lambda text: text.replace(COUNT, ""))
    service.runs.update(desiredCount=0, runningCount=0)

    with pytest.raises(StackStuckError) as stuck:
        service.deploy()

    assert "0 of 0 tasks run: nothing serves" == stuck.value.what
    assert "--desired-count" in stuck.value.next_step


@pytest.mark.parametrize("left", [[], [{"status": "INACTIVE", "desiredCount": 0}]])
def test_a_service_that_somebody_deleted_wants_a_person(service: Service, left: list[dict[str, Any]]) -> None:
    service.ecs.services = left

    with pytest.raises(StackStuckError) as stuck:
        service.deploy()

    assert "the ECS service of orders-dev-app is gone" == stuck.value.what


def test_a_rollout_that_failed_and_was_rolled_back_is_said(service: Service) -> None:
    service.ecs.release("other", status="ROLLBACK_SUCCESSFUL")
    service.ecs.deployments[-1]["statusReason"] = "the circuit breaker was triggered"

    assert "unchanged" == service.deploy().word
    assert (
        "the last rollout (d2) ended ROLLBACK_SUCCESSFUL: the circuit breaker was triggered" in service.text
    )
    assert [] == service.ecs.updates


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "STOPPED"])
def test_a_rollout_that_ended_halfway_is_done_again_through_its_gates(service: Service, status: str) -> None:
    service.ecs.release("other", status=status)

    assert "put right" == service.deploy().word
    assert [{"taskDefinition": ASKED_FOR, "forceNewDeployment": True}] == service.ecs.updates
    assert ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"] == [stage for stage, _ in service.ecs.answers]


def test_another_version_than_the_stacks_is_followed_by_a_release_of_the_stacks(service: Service) -> None:
    service.runs.update(taskDefinition="orders-dev:7")

    assert "put right" == service.deploy().word
    assert ASKED_FOR == service.runs["taskDefinition"]
    assert (
        "the service runs orders-dev:7, and orders-dev-app says orders-dev:1: releasing that" in service.text
    )


def test_a_release_of_the_stacks_version_that_fails_at_a_gate_is_an_error(service: Service) -> None:
    service.runs.update(taskDefinition="orders-dev:7")
    service.ecs.migration_exits = 1

    with pytest.raises(RolloutFailedError):
        service.deploy(RolloutOptions())


def test_no_version_is_released_again_in_an_alarm(service: Service) -> None:
    service.runs.update(taskDefinition="orders-dev:7")
    service.cloudwatch.states["errors"] = "ALARM"

    with pytest.raises(RolloutRefusedError):
        service.deploy()

    assert [] == service.ecs.updates
