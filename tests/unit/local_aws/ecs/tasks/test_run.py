"""The life of one task, on containers that only pretend."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import pytest

from local_aws.ecs.tasks import run as task_run
from local_aws.ecs.tasks.containers import Changes, ContainerError, Seen
from local_aws.ecs.tasks.run import TaskRun
from local_aws.ecs.tasks.secrets import SecretStores
from local_aws.ecs.tasks.task import Task

RUNNING = Seen(running=True)


class PretendedContainers:
    """seen: what Docker says of each container, by name, in turn; the last answer stays."""

    def __init__(self, seen: Mapping[str, list[Seen | None]], unpullable: str = "") -> None:
        self.changes = Changes()
        self.done: list[str] = []
        self.environments: dict[str, Mapping[str, str]] = {}
        self._seen = {name: list(answers) for name, answers in seen.items()}
        self._unpullable = unpullable

    def pull(self, image: str) -> None:
        if image == self._unpullable:
            raise ContainerError(f"CannotPullContainerError: {image}: not found")

    def start_network_holder(self, task_id: str) -> tuple[str, str]:
        return "pause", "10.0.0.7"

    def start(
        self,
        task_id: str,
        definition: Mapping[str, Any],
        environment: Mapping[str, str],
        pause: str,
        volumes: Sequence[str],
    ) -> str:
        name: str = definition["name"]
        self.done.append(f"start {name}")
        self.environments[name] = environment
        return name

    def restart(self, container_id: str) -> None:
        self.done.append(f"restart {container_id}")
        if container_id == self._unpullable:
            raise ContainerError("CannotStartContainerError: no space left on device")

    def see(self, container_id: str) -> Seen | None:
        self.changes.tell()
        answers = self._seen[container_id]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def stop(self, container_id: str, timeout: int) -> None:
        self.done.append(f"stop {container_id} within {timeout}")
        self._seen[container_id] = [Seen(running=False, exit_code=0)]

    def remove_task(self, task_id: str) -> bool:
        self.done.append("remove")
        return True

    def passes(self, container_id: str, command: Sequence[str]) -> bool:
        self.done.append(f"check {container_id} by {' '.join(command)}")
        return True


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", "essential": True, **more}


MISSING_SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
    "failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
    "invalid ssm parameters: /absent"
)
MIGRATE = container("migrate", essential=False)
APP = container("app", stopTimeout=7, dependsOn=[{"containerName": "migrate", "condition": "SUCCESS"}])


def live(
    definitions: list[dict[str, Any]],
    containers: PretendedContainers,
    leaving: list[str] | None = None,
    clock: Callable[[], float] = time.time,
    **task: Any,
) -> tuple[Task, list[str]]:
    """Run a task to its end; gives it and the statuses it went through. leaving: takes ids as they leave."""
    record = Task(
        definition={"taskDefinitionArn": "arn:td", "containerDefinitions": definitions},
        cluster_arn="arn:aws:ecs:eu-west-1:000000000000:cluster/c",
        group="service:orders",
        **task,
    )
    statuses: list[str] = []
    run = TaskRun(
        record,
        containers,  # type: ignore[arg-type]
        secrets=SecretStores(
            parameters=lambda names: {name: "secret" for name in names if name != "/absent"},
            secret=lambda reference: f"{reference.json_key} of {reference.arn.rpartition(':')[2]}",
        ),
        logs=lambda: None,
        before_stop=lambda one: None if leaving is None else leaving.append(one.id),
        changed=lambda: statuses.append(record.last_status) if record.last_status not in statuses else None,
        sleep=lambda _: None,
        clock=clock,
    )
    run.run()
    return record, statuses


def test_a_task_lives_through_every_status_and_leaves_nothing() -> None:
    containers = PretendedContainers(
        {
            "migrate": [RUNNING, Seen(running=False, exit_code=0)],
            "app": [RUNNING, RUNNING, RUNNING, Seen(running=False, exit_code=3)],
        }
    )

    task, statuses = live([APP, MIGRATE], containers)

    assert [
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ] == statuses
    assert ["start migrate", "start app", "remove"] == containers.done
    assert ("EssentialContainerExited", "Essential container in task exited") == (
        task.stop_code,
        task.stopped_reason,
    )
    assert {"migrate": 0, "app": 3} == {one.name: one.exit_code for one in task.containers}


def test_the_app_does_not_start_when_the_migration_fails() -> None:
    containers = PretendedContainers(
        {"migrate": [RUNNING, Seen(running=False, exit_code=1)], "app": [RUNNING]}
    )

    task, _ = live([APP, MIGRATE], containers)

    assert ["start migrate", "remove"] == containers.done
    assert ("TaskFailedToStart", "Task failed to start") == (task.stop_code, task.stopped_reason)
    assert "dependency [migrate]" in task.containers[0].reason


def test_what_still_runs_is_stopped_with_its_own_timeout() -> None:
    containers = PretendedContainers(
        {"app": [RUNNING], "helper": [RUNNING, RUNNING, Seen(running=False, exit_code=1)]}
    )

    live([container("app", stopTimeout=7), container("helper")], containers)

    assert ["start app", "start helper", "stop app within 7", "remove"] == containers.done


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (container("app", image="absent"), "CannotPullContainerError: absent: not found"),
        (
            container("app", secrets=[{"name": "X", "valueFrom": "/absent"}]),
            MISSING_SECRET,
        ),
    ],
)
def test_a_task_that_cannot_start_says_why(definition: dict[str, Any], reason: str) -> None:
    containers = PretendedContainers({}, unpullable="absent")

    task, _ = live([definition], containers)

    assert ("TaskFailedToStart", reason, "STOPPED") == (
        task.stop_code,
        task.stopped_reason,
        task.containers[0].status,
    )
    assert ["remove"] == containers.done


def test_environment_secrets_and_overrides_meet_in_the_container() -> None:
    containers = PretendedContainers({"app": [Seen(running=False, exit_code=0)]})
    definition = container(
        "app",
        environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        secrets=[{"name": "S", "valueFrom": "/s"}],
    )
    override = {"name": "app", "environment": [{"name": "B", "value": "2"}]}

    live([definition], containers, overrides={"containerOverrides": [override]})

    assert {"A": "1", "B": "2", "S": "secret"} == containers.environments["app"]


def test_a_new_container_is_healthy_once_its_check_passes_and_what_waits_for_that_starts() -> None:
    check = {"command": ["CMD", "service", "health"], "interval": 5}
    waits = container("helper", dependsOn=[{"containerName": "app", "condition": "HEALTHY"}])
    ending = [RUNNING] * 20_000 + [Seen(running=False, exit_code=1)]
    containers = PretendedContainers({"app": ending, "helper": [Seen(running=False, exit_code=0)]})

    task, _ = live([container("app", healthCheck=check), waits], containers)

    assert ["start app", "check app by CMD service health", "start helper"] == containers.done[:3]
    assert task.containers[0].health == "HEALTHY"


def test_dockers_verdict_on_a_container_replaces_what_was_thought_of_it() -> None:
    check = {"command": ["CMD", "service", "health"], "interval": 5}
    sick = [Seen(running=True, health="UNHEALTHY"), Seen(running=False, exit_code=1, health="UNHEALTHY")]
    containers = PretendedContainers({"app": sick})

    task, _ = live([container("app", healthCheck=check)], containers)

    assert task.containers[0].health == "UNHEALTHY"


def test_running_out_of_memory_is_said_on_the_container() -> None:
    containers = PretendedContainers({"app": [Seen(running=False, exit_code=137, out_of_memory=True)]})

    task, _ = live([container("app")], containers)

    assert task.containers[0].reason == "OutOfMemoryError: Container killed due to memory usage"


def test_a_task_outlives_an_engine_that_does_not_answer_for_a_while() -> None:
    containers = PretendedContainers({"app": [RUNNING, None, None, Seen(running=False, exit_code=3)]})

    task, statuses = live([container("app")], containers)

    assert "RUNNING" in statuses
    assert ("EssentialContainerExited", 3) == (task.stop_code, task.containers[0].exit_code)


CRASHED = Seen(running=False, exit_code=1)
POLICY = {"enabled": True, "restartAttemptPeriod": 60}


@pytest.mark.parametrize("essential", [True, False])
def test_a_container_with_a_restart_policy_is_started_again_in_its_task(essential: bool) -> None:
    """The clock is a minute on whenever it is read: each container has run for its period."""
    app = container("app", restartPolicy=POLICY, essential=essential)
    lives = {"app": [RUNNING, CRASHED, RUNNING, CRASHED, RUNNING], "other": [*[RUNNING] * 9, CRASHED]}
    containers = PretendedContainers(lives)

    task, statuses = live([app, container("other")], containers, clock=count(0, 60).__next__)

    assert ["restart app", "restart app"] == [one for one in containers.done if one.startswith("restart")]
    assert 1 == statuses.count("RUNNING")
    assert task.stop_code == "EssentialContainerExited"


def test_a_container_that_ends_before_its_period_is_over_ends_its_task() -> None:
    containers = PretendedContainers({"app": [RUNNING, CRASHED]})

    task, _ = live([container("app", restartPolicy=POLICY)], containers, clock=count(0, 59).__next__)

    assert ["start app", "remove"] == containers.done
    assert ("EssentialContainerExited", 1) == (task.stop_code, task.containers[0].exit_code)


def test_a_container_that_cannot_be_started_again_has_ended_and_says_why() -> None:
    containers = PretendedContainers({"app": [RUNNING, CRASHED]}, unpullable="app")

    task, _ = live([container("app", restartPolicy=POLICY)], containers, clock=count(0, 60).__next__)

    assert ["start app", "restart app", "remove"] == containers.done
    assert "CannotStartContainerError: no space left on device" == task.containers[0].reason


def test_a_container_that_is_told_to_stop_is_not_started_again() -> None:
    containers = PretendedContainers({"app": [RUNNING], "other": [RUNNING, CRASHED]})
    app = container("app", restartPolicy=POLICY)

    live([app, container("other")], containers, clock=count(0, 60).__next__)

    assert ["start app", "start other", "stop app within 30", "remove"] == containers.done


class DockerAway(PretendedContainers):
    """Nothing can be stopped, and what is left of a task cannot be removed at once either."""

    failures = 2

    def stop(self, container_id: str, timeout: int) -> None:
        raise OSError("connection refused")

    def remove_task(self, task_id: str) -> bool:
        super().remove_task(task_id)
        self.failures -= 1
        return self.failures < 0


def test_a_task_ends_although_docker_is_away_and_is_removed_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(task_run, "RETRY_SECONDS", 0.001)
    left: list[str] = []
    containers = DockerAway({"app": [RUNNING, Seen(running=False, exit_code=1)], "helper": [RUNNING]})

    task, statuses = live([container("app"), container("helper")], containers, leaving=left)

    assert [task.id] == left
    assert "STOPPED" == statuses[-1]
    assert task.stopped_at is not None
    assert ["remove", "remove", "remove"] == containers.done[-3:]
