"""A service's tasks are followed while CloudFormation is at work on it, and no longer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.aws import stopped_tasks
from pipeline.aws.parameters import ParameterVersions
from pipeline.cloudformation.deploy import StackLook
from pipeline.cloudformation.events import Event
from pipeline.graph.graph import SERVICE as SERVICE_TYPE
from pipeline.release import stack_step
from pipeline.release.service_step import ServiceStep
from tests.support.fake_rollout import SERVICE, FakeRollouts
from tests.support.fakes import START, FakeCloudFormation, FakeSsm, client_error
from tests.support.small_project import DIGEST, OUTPUTS, REPOSITORY, world

IMAGE = {"ImageUri": f"{REPOSITORY}@{DIGEST}"}


def event(status: str, kind: str = SERVICE_TYPE, physical_id: str = "arn:service/1") -> Event:
    return Event("1", "stack-id", START, "Service", physical_id, kind, status, "", of_the_stack=False)


def look_at(tasks: stack_step.Tasks, *events: Event) -> None:
    tasks.look(StackLook(None, events, None), cast(Any, None))


class FakeWatch:
    def __init__(self, *_: Any, **how: Any) -> None:
        self.how = how
        self.looks = 0

    def look(self) -> None:
        self.looks += 1

    def diagnostics(self, service_arn: str) -> list[str]:
        return [service_arn]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> stack_step.Tasks:
    monkeypatch.setattr(stopped_tasks, "StoppedTaskWatcher", FakeWatch)
    here = world(tmp_path, ecs=None, logs=None).context
    return stack_step.Tasks(here, here.spec(here.stacks["app"], {"ClusterName": "dev-cluster"}), print)


class AsRemembered:
    """Every stack is as it was left."""

    versions = ParameterVersions(cast(Any, FakeSsm()))

    def reads(self, _: str) -> dict[str, str]:
        return {}

    def is_unchanged(self, *_: Any) -> bool:
        return True

    def record(self, *_: Any) -> None: ...


@pytest.mark.parametrize(("status", "word"), [("SUCCESSFUL", "unchanged"), ("IN_PROGRESS", "updated")])
def test_a_stack_with_nothing_to_change_is_looked_after_while_its_service_is_rolled_out(
    tmp_path: Path, status: str, word: str
) -> None:
    ecs = FakeRollouts()
    here = world(tmp_path, ecs=ecs)
    here.cloudformation.have("orders-dev-app", "UPDATE_COMPLETE", outputs={"ServiceArn": SERVICE})
    ecs.release("image", status=status)

    step = ServiceStep(here.context, here.context.stacks["app"], lambda _: None, cast(Any, AsRemembered()))
    result = step.run({"vpc": OUTPUTS["orders-dev-vpc"], "rds": OUTPUTS["orders-dev-rds"], "image": IMAGE})

    assert word == result.word


def test_tasks_are_looked_at_while_the_service_is_in_progress(tasks: stack_step.Tasks) -> None:
    look_at(tasks, event("CREATE_IN_PROGRESS", "AWS::EC2::VPC"))
    before = tasks._watch
    look_at(tasks, event("UPDATE_IN_PROGRESS"))
    look_at(tasks, event("UPDATE_IN_PROGRESS"))
    look_at(tasks, event("UPDATE_IN_PROGRESS"), event("UPDATE_COMPLETE"))

    assert before is None
    assert isinstance(tasks._watch, FakeWatch)
    assert 2 == tasks._watch.looks
    assert "dev-cluster" == tasks._watch.how["cluster"]
    assert "orders-dev-app" == tasks._watch.how["stack_name"]
    assert START == tasks._watch.how["since"]


def test_evidence_is_gathered_in_the_look_that_finds_the_first_failure(tasks: stack_step.Tasks) -> None:
    deployment, failed = SimpleNamespace(diagnostics=list[str]()), event("UPDATE_FAILED")
    tasks.look(StackLook(None, [event("UPDATE_IN_PROGRESS")], None), cast(Any, deployment))
    before = list(deployment.diagnostics)
    tasks.look(StackLook(None, [event("UPDATE_IN_PROGRESS"), failed], failed), cast(Any, deployment))
    tasks.look(StackLook(None, [event("UPDATE_IN_PROGRESS"), failed], None), cast(Any, deployment))

    assert [] == before
    assert ["arn:service/1"] == deployment.diagnostics


def test_evidence_is_given_for_a_service_and_for_nothing_else(tasks: stack_step.Tasks) -> None:
    assert ["arn:service/1"] == tasks.diagnostics(event("UPDATE_FAILED"))
    assert [] == tasks.diagnostics(event("UPDATE_FAILED", "AWS::EC2::VPC"))


def test_a_service_whose_event_names_no_resource_is_found_by_its_stack(tasks: stack_step.Tasks) -> None:
    assert ["physical-Service"] == tasks.diagnostics(event("UPDATE_FAILED", physical_id=""))


def test_a_service_that_the_rollback_took_away_already_still_leaves_its_tasks(
    tasks: stack_step.Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: FakeCloudFormation, **__: Any) -> None:
        raise client_error("DescribeStackResources", "ValidationError", "Resource [Service] does not exist")

    monkeypatch.setattr(FakeCloudFormation, "describe_stack_resources", gone)

    assert [""] == tasks.diagnostics(event("CREATE_FAILED", physical_id=""))
