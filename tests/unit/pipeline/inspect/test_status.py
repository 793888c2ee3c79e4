"""`status` shows stacks, the version that serves, tasks and targets."""

import io
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console

from pipeline.cli import status_report
from pipeline.errors import UsageError
from pipeline.inspect import status
from tests.support.fakes import START
from tests.support.small_project import DIGEST, OUTPUTS, REPOSITORY, World, world

ARN = "arn:aws:ecs:eu-west-1:000000000000:service/dev-cluster/orders"


class FakeEcs:
    def describe_services(self, **request: Any) -> dict[str, Any]:
        assert ARN == request["services"][0]
        return {
            "services": [
                {
                    "runningCount": 1,
                    "desiredCount": 2,
                    "pendingCount": 1,
                    "deployments": [
                        {
                            "status": "PRIMARY",
                            "runningCount": 1,
                            "desiredCount": 2,
                            "failedTasks": 3,
                            "rolloutState": "IN_PROGRESS",
                            "rolloutStateReason": "in progress.",
                        }
                    ],
                    "loadBalancers": [
                        {
                            "targetGroupArn": "arn:targetgroup/blue/1",
                            "advancedConfiguration": {"alternateTargetGroupArn": "arn:targetgroup/green/2"},
                        }
                    ],
                }
            ]
        }

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        assert "orders" == request["serviceName"]
        return {"taskArns": ["arn:task/dev-cluster/t1"]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        containers = [{"image": f"{REPOSITORY}@{DIGEST}"}]
        task = {
            "taskArn": "arn:task/dev-cluster/t1",
            "lastStatus": "RUNNING",
            "healthStatus": "HEALTHY",
            "startedAt": START,
            "containers": containers,
        }
        return {"tasks": [task]}


class FakeElb:
    def describe_target_health(self, **request: Any) -> dict[str, Any]:
        if "green" in request["TargetGroupArn"]:
            target = {"Target": {"Id": "10.0.0.2"}, "TargetHealth": {"State": "unused"}}
            return {"TargetHealthDescriptions": [target]}
        health = {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch", "Description": "503"}
        return {
            "TargetHealthDescriptions": [{"Target": {"Id": "10.0.0.1", "Port": 8080}, "TargetHealth": health}]
        }


class FakeRds:
    """One instance, of the class small."""

    pending: ClassVar[dict[str, Any]] = {}
    parameters = "in-sync"

    def describe_db_instances(self, **request: Any) -> dict[str, Any]:
        assert "db-1" == request["DBInstanceIdentifier"]
        instance = {
            "DBInstanceStatus": "available",
            "DBInstanceClass": "small",
            "Engine": "mysql",
            "EngineVersion": "8.4.3",
            "PreferredMaintenanceWindow": "sun:05:00-sun:05:30",
            "PendingModifiedValues": self.pending,
            "DBParameterGroups": [{"ParameterApplyStatus": self.parameters}],
        }
        return {"DBInstances": [instance]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(
        OUTPUTS,
        "orders-dev-app",
        {**OUTPUTS["orders-dev-app"], "ServiceArn": ARN, "ClusterName": "dev-cluster"},
    )
    made = world(tmp_path, ecs=FakeEcs(), elbv2=FakeElb(), rds=FakeRds()).deployed()
    made.cloudformation.resources = {"Database": ("AWS::RDS::DBInstance", "db-1")}
    return made


def test_the_version_is_the_images_tag(here: World) -> None:
    [version] = here.ecr.images[DIGEST]
    seen = status.describe(here.context)

    assert version == seen.version
    assert [("t1", "RUNNING", "HEALTHY", version)] == [
        (t.task_id, t.status, t.health, t.version) for t in seen.tasks
    ]


def test_targets_of_both_groups_are_shown_with_their_reason(here: World) -> None:
    targets = status.describe(here.context).targets

    assert [
        ("blue", "10.0.0.1:8080", "unhealthy", "Target.ResponseCodeMismatch 503"),
        ("green", "10.0.0.2:", "unused", ""),
    ] == [(t.group, t.address, t.state, t.reason) for t in targets]


def test_counts_and_deployments_read_as_sentences(here: World) -> None:
    seen = status.describe(here.context)

    assert "1 of 2 tasks run, 1 pending" == seen.service
    assert ("PRIMARY: 1 of 2 run, 3 failed, IN_PROGRESS (in progress.)",) == seen.deployments


def test_an_empty_environment_is_shown_as_such(tmp_path: Path) -> None:
    seen = status.describe(world(tmp_path).context)
    console = Console(file=io.StringIO(), width=120)
    status_report.show(seen, console)

    assert {"-"} == {line.status for line in seen.stacks}
    assert "dev: no service is deployed" in console.file.getvalue()  # type: ignore[attr-defined]


def test_everything_is_on_the_page_and_in_the_json(here: World) -> None:
    seen = status.describe(here.context)
    console = Console(file=io.StringIO(), width=200)
    status_report.show(seen, console)

    page = console.file.getvalue()  # type: ignore[attr-defined]
    for fact in ("orders-dev-app", "http://lb", "t1", "10.0.0.1:8080", "unhealthy", "1 of 2 tasks run"):
        assert fact in page
    assert "RUNNING" == status_report.as_json(seen)["tasks"][0]["status"]


def test_smoke_tests_need_something_that_is_deployed(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        status.run_smoke_tests(world(tmp_path).context, lambda _: None)

    assert "python -m pipeline deploy dev" == refused.value.next_step


def test_a_stack_whose_template_is_gone_is_shown_as_such(here: World) -> None:
    here.cloudformation.have("orders-dev-cache", "CREATE_COMPLETE")

    notes = {line.stack: line.note for line in status.describe(here.context).stacks}
    assert notes.pop("orders-dev-cache").startswith("its template is gone from infra/")
    assert {""} == set(notes.values())


def test_what_waits_for_the_maintenance_window_is_shown_without_a_password(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = {"DBInstanceClass": "large", "MasterUserPassword": "unguessable", "MultiAZ": True}
    monkeypatch.setattr(FakeRds, "pending", pending)
    monkeypatch.setattr(FakeRds, "parameters", "pending-reboot")
    seen = status.describe(here.context)
    console = Console(file=io.StringIO(), width=120)
    status_report.show(seen, console)
    page = console.file.getvalue()  # type: ignore[attr-defined]

    assert "db-1: mysql 8.4.3 on small, available" in page
    assert (
        "db-1: DBInstanceClass large is pending until the maintenance window (sun:05:00-sun:05:30, UTC)"
        in page
    )
    assert "db-1: MultiAZ true is pending" in page
    assert "db-1: parameters are pending until somebody restarts the database" in page
    assert "unguessable" not in page + str(status_report.as_json(seen))


def test_a_database_that_waits_for_nothing_is_one_line(here: World) -> None:
    console = Console(file=io.StringIO(), width=120)
    status_report.show(status.describe(here.context), console)

    assert "pending until" not in console.file.getvalue()  # type: ignore[attr-defined]
