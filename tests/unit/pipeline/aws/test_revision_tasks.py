"""What is told of a version that runs and yet serves nobody, while its tasks are still there."""

from typing import Any

import pytest

from pipeline.aws import revision_tasks
from tests.support.fake_rollout import SERVICE

NEW, OLD = "arn:task-definition/orders-dev:2", "arn:task-definition/orders-dev:1"


def task(number: int, definition: str = NEW, status: str = "RUNNING") -> dict[str, Any]:
    return {
        "taskArn": f"arn:task/dev-cluster/t{number}",
        "taskDefinitionArn": definition,
        "lastStatus": status,
        "containers": [
            {"name": "migrate", "lastStatus": "STOPPED", "healthStatus": "UNKNOWN"},
            {"name": "app", "lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"},
        ],
        "attachments": [
            {"type": "eni", "details": [{"name": "privateIPv4Address", "value": f"10.0.0.{number}"}]}
        ],
    }


class Aws:
    """ECS, Logs and Elastic Load Balancing, as far as the evidence asks them."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = {one["taskArn"]: one for one in tasks}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        status = request.pop("desiredStatus")
        assert {"cluster": "dev-cluster", "serviceName": "orders"} == request
        return {"taskArns": [arn for arn, one in self.tasks.items() if one["lastStatus"] == status]}

    def describe_tasks(self, **request: Any) -> dict[str, Any]:
        return {"tasks": [self.tasks[arn] for arn in request["tasks"]]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        options = {"awslogs-group": "/orders/dev", "awslogs-stream-prefix": "orders"}
        app = {"name": "app", "logConfiguration": {"options": options}}
        return {"taskDefinition": {"containerDefinitions": [app]}}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": []}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        assert "orders/app/t2" == request["logStreamName"]
        return {"events": [{"message": "waiting for a cache that is not there\n"}]}

    def describe_target_health(self, **request: Any) -> dict[str, Any]:
        health = {
            "State": "unhealthy",
            "Reason": "Target.ResponseCodeMismatch",
            "Description": "they answer [503]",
        }
        number = {"arn:blue": 1, "arn:green": 2}[request["TargetGroupArn"]]
        return {"TargetHealthDescriptions": [{"Target": {"Id": f"10.0.0.{number}"}, "TargetHealth": health}]}


def of_tasks(aws: Aws) -> list[str]:
    return revision_tasks.of_tasks(aws, aws, aws, SERVICE, NEW, ["arn:blue", "arn:green"])


def test_container_target_and_last_words_of_the_new_version_only() -> None:
    assert [
        "task t2 is RUNNING",
        "  health of container app: UNHEALTHY",
        "  health of target 10.0.0.2: unhealthy: Target.ResponseCodeMismatch: they answer [503]",
        "  last log lines of app:",
        "    waiting for a cache that is not there",
    ] == of_tasks(Aws(task(1, OLD), task(2)))


@pytest.mark.parametrize("tasks", [[], [task(1, OLD)]])
def test_where_none_of_it_runs_that_is_what_is_told(tasks: list[dict[str, Any]]) -> None:
    assert ["no task of the new version runs"] == of_tasks(Aws(*tasks))


def test_where_all_of_it_has_stopped_already_its_last_words_are_still_told() -> None:
    lines = of_tasks(Aws(task(1, OLD), task(2, status="STOPPED")))

    assert ["task t2 is STOPPED", "    waiting for a cache that is not there"] == [lines[0], lines[-1]]


def test_of_many_tasks_two_are_told() -> None:
    lines = of_tasks(Aws(task(2), task(3), task(4)))

    assert ["task t2 is RUNNING", "task t3 is RUNNING"] == [line for line in lines if line.startswith("task")]
