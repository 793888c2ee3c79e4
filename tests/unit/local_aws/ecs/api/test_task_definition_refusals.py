"""What Fargate refuses about a task definition: as a value, by operation and in a template."""

import json
from typing import Any

import pytest

from local_aws.ecs.api import task_definitions
from local_aws.ecs.api.task_definition_refusals import refusal
from local_aws.emulator.registry import Registry

CAPABILITIES = "Tasks launched on AWS Fargate only support adding the SYS_PTRACE kernel capability."


def adding(*capabilities: str) -> dict[str, Any]:
    container = {"name": "app", "image": "i", "linuxParameters": {"capabilities": {"add": [*capabilities]}}}
    return {"family": "f", "containerDefinitions": [{"name": "first", "image": "i"}, container]}


def test_secrets_without_an_execution_role_are_refused() -> None:
    secrets = [{"name": "X", "valueFrom": "/x"}]
    definition: Any = {"containerDefinitions": [{"name": "app", "image": "i", "secrets": secrets}]}

    assert (
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        == refusal(definition)
    )
    assert refusal({**definition, "executionRoleArn": "arn:aws:iam::000000000000:role/r"}) is None


@pytest.mark.parametrize("capabilities", [(), ("SYS_PTRACE",)])
def test_the_one_capability_that_fargate_adds_is_taken(capabilities: tuple[str, ...]) -> None:
    assert refusal(adding(*capabilities)) is None


@pytest.mark.parametrize("capability", ["ALL", "SYS_ADMIN", "NET_ADMIN"])
def test_any_other_capability_is_refused(capability: str) -> None:
    assert CAPABILITIES == refusal(adding("SYS_PTRACE", capability))


def fargate(cpu: Any, memory: Any) -> str | None:
    return refusal({"requiresCompatibilities": ["FARGATE"], "cpu": cpu, "memory": memory})


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        (256, 512),
        ("256", "2048"),
        ("512", "4096"),
        ("4096", "30720"),
        (".25 vCPU", "0.5 GB"),
        ("1vcpu", "3GB"),
    ],
)
def test_a_size_that_fargate_has_is_taken(cpu: Any, memory: Any) -> None:
    assert fargate(cpu, memory) is None


@pytest.mark.parametrize(
    ("cpu", "memory"), [("512", "512"), ("256", "4096"), ("300", "1024"), ("8192", "17408"), ("256", "many")]
)
def test_a_size_that_fargate_has_not_is_refused(cpu: str, memory: str) -> None:
    assert "No Fargate configuration exists for given values: " in (fargate(cpu, memory) or "")


def test_the_refused_size_is_told_in_units() -> None:
    assert (
        "No Fargate configuration exists for given values: 512 CPU, 512 memory. "
        "See the Amazon ECS documentation for the valid values."
    ) == fargate("0.5 vCPU", "512")


def test_fargate_wants_both() -> None:
    assert "Fargate requires that 'cpu' be defined at the task level." == fargate(None, "512")
    assert "Fargate requires that 'memory' be defined at the task level." == fargate("256", None)


def test_what_is_not_for_fargate_may_have_any_size() -> None:
    assert refusal({"cpu": "100", "memory": "99"}) is None


@pytest.fixture(autouse=True)
def registered(registry: Registry) -> None:
    task_definitions.register(registry)


def test_the_operation_refuses_before_anything_is_registered(registry: Registry) -> None:
    status, _, body = registry.shipped_operation("ecs", "RegisterTaskDefinition")(adding("SYS_ADMIN"))

    assert (400, {"__type": "ClientException", "message": CAPABILITIES}) == (status, json.loads(body))


def test_a_template_is_refused_in_cloudformations_words(registry: Registry) -> None:
    resource = registry.shipped_resource_type("AWS::ECS::TaskDefinition")
    add = {"LinuxParameters": {"Capabilities": {"Add": ["SYS_ADMIN"]}}}
    properties = {"ContainerDefinitions": [{"Name": "app", "Image": "i", **add}]}

    expected = f"Invalid request provided: Create TaskDefinition: {CAPABILITIES} .*ClientException"
    with pytest.raises(ValueError, match=expected):
        resource["create"]("Task", properties, "stack")
    with pytest.raises(ValueError, match=expected):
        resource["update"]("arn", {}, properties, "stack", "Task")
