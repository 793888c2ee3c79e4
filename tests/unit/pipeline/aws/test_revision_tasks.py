"""What is told of a version that runs and yet serves nobody, while its tasks are still there."""

from typing import Any

import pytest

from pipeline.aws import revision_tasks
from pipeline.aws.revision_tasks import Evidence
from tests.support.fake_rollout import SERVICE
from tests.support.fakes import START, client_error

NEW, OLD = "arn:task-definition/orders-dev:2", "arn:task-definition/orders-dev:1"


UNHEALTHY = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [503]",
}


LAST = "the last log line is: waiting for a cache that is not there"
NO_SUCH_PORT = (
    "the health check of /ready on port 9999 got no connection, or no answer in HTTP; "
    f"the task definition opens 8080, 8081; {LAST}"
)


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

    def __init__(
        self, *tasks: dict[str, Any], health: dict[str, str] = UNHEALTHY, port: str = "8081"
    ) -> None:
        self.health, self.port = health, port
        self.tasks = {one["taskArn"]: one for one in tasks}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        status = request.pop("desiredStatus")
        assert {"cluster": "dev-cluster", "serviceName": "orders"} == request
        return {"taskArns": [arn for arn, one in self.tasks.items() if one["lastStatus"] == status]}

    def describe_tasks(self, **request: Any) -> dict[str, Any]:
        return {"tasks": [self.tasks[arn] for arn in request["tasks"]]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        options = {"awslogs-group": "/orders/dev", "awslogs-stream-prefix": "orders"}
        ports = [{"containerPort": 8081}, {"containerPort": 8080}]
        app = {"name": "app", "portMappings": ports, "logConfiguration": {"options": options}}
        cache = {"name": "cache", "logConfiguration": {"options": options}}
        migrate = {"name": "migrate", "essential": False, "logConfiguration": {"options": options}}
        return {"taskDefinition": {"containerDefinitions": [migrate, app, cache]}}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": []}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        _, container, name = request["logStreamName"].split("/")
        if container == "migrate":
            raise client_error("GetLogEvents", "ResourceNotFoundException", "no such stream")
        last = "no more memory" if container == "cache" else "waiting for a cache that is not there"
        return {"events": [{"message": f"line of {name}"}, {"message": f"{last}\n"}, {"message": "\n"}]}

    def describe_target_groups(self, **request: Any) -> dict[str, Any]:
        more = {"HealthCheckPath": "/ready", "HealthCheckTimeoutSeconds": 5, "Matcher": {"HttpCode": "200"}}
        return {"TargetGroups": [{"TargetGroupArn": arn, **more} for arn in request["TargetGroupArns"]]}

    def describe_target_health(self, **request: Any) -> dict[str, Any]:
        number = {"arn:blue": 1, "arn:green": 2}[request["TargetGroupArn"]]
        target = {"Target": {"Id": f"10.0.0.{number}"}, "HealthCheckPort": self.port}
        return {"TargetHealthDescriptions": [{**target, "TargetHealth": self.health}]}


def over(number: int, reason: str = "Essential container in task exited", **codes: int) -> dict[str, Any]:
    """A task that ended, with the exit codes of its containers."""
    containers = [{"name": name, "exitCode": code} for name, code in codes.items()]
    more = {"stoppedReason": reason, "createdAt": START, "containers": containers}
    return {**task(number, status="STOPPED"), **more}


def evidence(aws: Aws) -> Evidence:
    return revision_tasks.of_tasks(aws, aws, aws, SERVICE, NEW, ["arn:blue", "arn:green"])


def lines(aws: Aws) -> list[str]:
    return list(evidence(aws).lines)


def test_container_target_and_last_words_of_the_new_version_only() -> None:
    assert [
        "task t2 is RUNNING",
        "  health of container app: UNHEALTHY",
        f"  health of target 10.0.0.2: unhealthy: {UNHEALTHY['Reason']}: {UNHEALTHY['Description']}",
        "  last log lines of app:",
        "    line of t2",
        "    waiting for a cache that is not there",
        "    ",
    ] == lines(Aws(task(1, OLD), task(2)))


@pytest.mark.parametrize("tasks", [[], [task(1, OLD)]])
def test_where_none_of_it_runs_that_is_what_is_told(tasks: list[dict[str, Any]]) -> None:
    assert ["no task of the new version runs"] == lines(Aws(*tasks))


def test_where_all_of_it_has_stopped_already_its_last_words_are_still_told() -> None:
    told = lines(Aws(task(1, OLD), over(2, app=1)))

    assert ["task t2 stopped: Essential container in task exited", "  container app exited with 1"] == told[
        :2
    ]
    assert "    waiting for a cache that is not there" in told


@pytest.mark.parametrize(
    ("health", "port", "cause"),
    [
        (("ResponseCodeMismatch", "Health checks failed with these codes: [302]"), "8081",
         "the health check of /ready on port 8081 was answered 302, and 200 is wanted"),
        (("ResponseCodeMismatch", "Health checks failed with these codes: [401]"), "8081",
         "the health check of /ready on port 8081 was answered 401, and 200 is wanted"),
        (("Timeout", "Request timed out"), "8081",
         "the health check of /ready on port 8081 was not answered within 5 s"),
        (("FailedHealthChecks", "Health checks failed"), "8081",
         "the health check of /ready on port 8081 got no connection, or no answer in HTTP; " + LAST),
        (("FailedHealthChecks", "Health checks failed"), "9999", NO_SUCH_PORT),
        (("FailedHealthChecks", "Health checks failed: connection refused; open are 8080"), "8081",
         f"the health check of /ready on port 8081: connection refused; open are 8080; {LAST}"),
    ],
)  # fmt: skip
def test_the_cause_is_the_health_checks_own_answer(health: tuple[str, str], port: str, cause: str) -> None:
    reason, description = health
    shown = {"State": "unhealthy", "Reason": f"Target.{reason}", "Description": description}

    assert cause == evidence(Aws(task(2), health=shown, port=port)).cause


def test_a_target_that_is_not_unhealthy_is_no_cause() -> None:
    initial = {"State": "initial", "Reason": "Elb.InitialHealthChecking"}

    assert "" == evidence(Aws(task(2), health=initial)).cause


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        ({"migrate": 0, "app": 1, "cache": 143}, "app exited with 1: waiting for a cache that is not there"),
        ({"migrate": 0, "app": 137, "cache": 3}, "cache exited with 3: no more memory"),
        ({"migrate": 0, "app": 143, "cache": 0}, "cache exited with 0: no more memory"),
        ({"migrate": 4}, "migrate exited with 4"),
    ],
)
def test_the_container_that_ended_a_task_is_the_cause_with_its_last_words_before_any_health_check(
    codes: dict[str, int], cause: str
) -> None:
    assert f"container {cause}" == evidence(Aws(task(2), over(3, **codes))).cause


def test_a_task_that_ecs_replaced_for_its_health_is_told_in_the_words_of_ecs() -> None:
    reason = "Task failed ELB health checks in (target-group x) due to (reason Request timed out)"

    assert f"task t3 stopped: {reason}" == evidence(Aws(over(3, reason, app=143))).cause


def test_the_cause_comes_before_the_effect_by_which_it_was_noticed() -> None:
    assert "it answers 302; an alarm went off" == Evidence("it answers 302").before("an alarm went off")
    assert "an alarm went off" == Evidence().before("an alarm went off")


def test_of_many_tasks_two_are_told() -> None:
    told = lines(Aws(task(2), task(3), task(4)))

    assert ["task t2 is RUNNING", "task t3 is RUNNING"] == [line for line in told if line.startswith("task")]
