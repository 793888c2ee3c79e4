"""What RunTask takes and refuses."""

from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.ecs.api.tasks import TaskOperations
from local_aws.ecs.tasks.task import Task
from local_aws.emulator.refusals import RefusedError

DEFINITION = {
    "family": "orders",
    "taskDefinitionArn": "arn:td",
    "containerDefinitions": [{"name": "app", "image": "i", "essential": True}],
}


def run(**request: Any) -> list[Task]:
    """The tasks that RunTask starts."""
    started: list[Task] = []
    scheduler: Any = SimpleNamespace(fleet=SimpleNamespace(run=started.append))
    checks: Any = SimpleNamespace(
        cluster_arn=lambda _: "arn:aws:ecs:eu-west-1:000000000000:cluster/c",
        definition=lambda _: DEFINITION,
        network=lambda *_: None,
    )
    TaskOperations(scheduler, checks).run(request)
    return started


def test_a_task_takes_overrides_of_its_roles_and_of_a_containers_command_and_environment() -> None:
    container = {"name": "app", "command": ["migrate"], "environment": [{"name": "A", "value": "1"}]}
    overrides = {"taskRoleArn": "arn:r", "executionRoleArn": "arn:e", "containerOverrides": [container]}

    assert [overrides] == [task.overrides for task in run(overrides=overrides)]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"cpu": "512", "memory": "1024"}, "the local AWS does not do overrides of cpu, memory of a task"),
        (
            {"containerOverrides": [{"name": "app", "memory": 64}]},
            "the local AWS does not do overrides of memory of a container",
        ),
        (
            {"containerOverrides": [{"name": "absent"}]},
            "Override for container named absent is not a container in the TaskDefinition.",
        ),
    ],
)
def test_what_a_task_does_not_take_is_refused_before_it_starts(overrides: Any, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        run(overrides=overrides)

    assert ("InvalidParameterException", words) == (refused.value.code, refused.value.message)
