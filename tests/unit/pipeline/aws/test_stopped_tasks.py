"""Why a service did not come up: service events, stopped tasks, last log lines."""

from datetime import timedelta
from typing import Any

from pipeline.aws import stopped_tasks
from tests.support.fakes import START, client_error

ARN = "arn:aws:ecs:eu-west-1:000000000000:service/dev-cluster/orders"


def task(number: int, reason: str, *, code: int | None = 1, minutes: int = 1) -> dict[str, Any]:
    when = START + timedelta(minutes=minutes)
    return {
        "taskArn": f"arn:aws:ecs:eu-west-1:000000000000:task/dev-cluster/task{number}",
        "taskDefinitionArn": "orders:3",
        "group": "service:orders-dev-app-Service-x",
        "createdAt": when,
        "stoppedAt": when + timedelta(seconds=number),
        "stoppedReason": reason,
        "containers": [
            {"name": "migrate", "exitCode": 0},
            {
                "name": "app",
                **({"exitCode": code} if code is not None else {"reason": "CannotPull: no such image"}),
            },
        ],
    }


class FakeEcs:
    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = tasks

    def describe_services(self, **request: Any) -> dict[str, Any]:
        assert {"cluster": "dev-cluster", "services": ["orders"]} == request
        events = [
            {"createdAt": START + timedelta(minutes=2), "message": "(service orders) deployment failed"},
            {"createdAt": START + timedelta(minutes=1), "message": "(service orders) started 1 tasks"},
            {"createdAt": START - timedelta(minutes=1), "message": "an old event"},
        ]
        return {"services": [{"events": events}]}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        assert "STOPPED" == request["desiredStatus"]
        return {"taskArns": [t["taskArn"] for t in self.tasks]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return {"tasks": list(self.tasks)}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        options = {"awslogs-group": "/orders/dev", "awslogs-stream-prefix": "orders"}
        containers = [{"name": n, "logConfiguration": {"options": options}} for n in ("migrate", "app")]
        return {"taskDefinition": {"containerDefinitions": containers}}


class FakeLogs:
    def __init__(self) -> None:
        self.streams: list[str] = []

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        self.streams.append(request["logStreamName"])
        if not request["logStreamName"].startswith("orders/app/"):
            raise client_error("GetLogEvents", "ResourceNotFoundException", "no such stream")
        return {"events": [{"message": "Traceback\n"}, {"message": "KeyError: 'TEA'"}]}


def gather(ecs: FakeEcs, logs: FakeLogs, said: list[str] | None = None) -> list[str]:
    return watch(ecs, logs, said).diagnostics(ARN)


def watch(ecs: FakeEcs, logs: FakeLogs, said: list[str] | None = None) -> stopped_tasks.StoppedTaskWatcher:
    log = (said if said is not None else []).append
    return stopped_tasks.StoppedTaskWatcher(
        ecs, logs, cluster="dev-cluster", stack_name="orders-dev-app", since=START, log=log
    )


def test_events_reasons_and_last_words_come_in_order() -> None:
    ecs = FakeEcs(task(1, "Essential container in task exited"))

    assert [
        "service event: (service orders) deployment failed",
        "task task1 stopped: Essential container in task exited",
        "  container migrate exited with 0",
        "  container app exited with 1",
        "  last log lines of app:",
        "    Traceback",
        "    KeyError: 'TEA'",
    ] == gather(ecs, FakeLogs())


def test_only_the_container_that_failed_is_asked_for_its_log() -> None:
    logs = FakeLogs()
    gather(FakeEcs(task(1, "Essential container in task exited")), logs)

    assert ["orders/app/task1"] == logs.streams


def test_tasks_that_were_scaled_in_or_are_older_have_not_failed() -> None:
    tasks = [
        task(1, "Scaling activity initiated by (deployment ecs-svc/1)", code=0),
        task(2, "Essential container in task exited", minutes=-5),
        task(3, "Task failed ELB health checks in (target-group x)"),
    ]

    assert ["task3"] == [t.task_id for t in stopped_tasks.judge(tasks, START)]


def test_tasks_that_failed_alike_are_told_once_by_the_latest() -> None:
    tasks = [task(n, "Essential container in task exited") for n in (1, 3, 2)]

    assert ["task3"] == [t.task_id for t in stopped_tasks.judge(tasks, START)]


def test_a_container_that_never_started_says_why() -> None:
    [stopped] = stopped_tasks.judge([task(1, "CannotPullContainerError", code=None)], START)

    assert "app did not start (CannotPull: no such image)" == stopped.containers[1]
    assert ("app",) == stopped.failed_containers


def test_a_failed_migration_is_heard_beside_a_container_that_never_started() -> None:
    class MigrationLog(FakeLogs):
        def get_log_events(self, **request: Any) -> dict[str, Any]:
            if request["logStreamName"] == "orders/migrate/task1":
                return {"events": [{"message": "no such table"}]}
            raise client_error("GetLogEvents", "ResourceNotFoundException", "no such stream")

    failed = task(1, "Task failed to start", code=None)
    failed["containers"][0]["exitCode"] = 1

    assert ["  last log lines of migrate:", "    no such table"] == gather(FakeEcs(failed), MigrationLog())[
        -2:
    ]


def test_what_can_not_be_read_is_said_and_hides_nothing_else() -> None:
    class Silent(FakeEcs):
        def describe_services(self, **request: Any) -> dict[str, Any]:
            raise client_error("DescribeServices", "AccessDeniedException", "not allowed")

    lines = gather(Silent(task(1, "Essential container in task exited")), FakeLogs())

    assert lines[0].startswith("(not readable: ")
    assert "    KeyError: 'TEA'" == lines[-1]


def test_a_task_is_told_the_moment_it_is_seen_and_once() -> None:
    ecs, said = FakeEcs(task(1, "Essential container in task exited")), list[str]()
    watching = watch(ecs, FakeLogs(), said)
    watching.look()
    first = len(said)
    ecs.tasks = (*ecs.tasks, task(2, "Essential container in task exited"))
    watching.look()

    assert "task task1 stopped: Essential container in task exited" == said[0]
    assert "    KeyError: 'TEA'" in said
    assert first == len(said)


def test_tasks_of_another_service_in_the_cluster_are_not_ours() -> None:
    other = {**task(1, "Essential container in task exited"), "group": "service:billing"}
    said: list[str] = []
    watch(FakeEcs(other), FakeLogs(), said).look()

    assert [] == said


def test_what_was_seen_outlives_the_service_and_its_log() -> None:
    ecs, logs = FakeEcs(task(1, "Essential container in task exited")), FakeLogs()
    watching = watch(ecs, logs)
    watching.look()
    ecs.tasks = ()

    assert "    KeyError: 'TEA'" in watching.diagnostics("")


def test_an_answer_that_fails_stops_nothing() -> None:
    class Throttled(FakeEcs):
        def list_tasks(self, **request: Any) -> dict[str, Any]:
            raise client_error("ListTasks", "ThrottlingException", "slow down")

    watch(Throttled(), FakeLogs()).look()
