"""What Fargate refuses about a task definition: as a value, by operation and in a template."""

import json
from importlib import import_module
from typing import Any

import pytest

from pipeline.local import task_definitions
from pipeline.local.registration import OPERATIONS, Registry
from pipeline.local.settings import Settings
from pipeline.local.task_definition_rules import refusal

CAPABILITIES = "Tasks launched on AWS Fargate only support adding the SYS_PTRACE kernel capability."


def adding(*capabilities: str) -> dict[str, Any]:
    container = {"name": "app", "image": "i", "linuxParameters": {"capabilities": {"add": [*capabilities]}}}
    return {"family": "f", "containerDefinitions": [{"name": "first", "image": "i"}, container]}


@pytest.mark.parametrize("capabilities", [(), ("SYS_PTRACE",)])
def test_the_one_capability_that_fargate_adds_is_taken(capabilities: tuple[str, ...]) -> None:
    assert refusal(adding(*capabilities)) is None


@pytest.mark.parametrize("capability", ["ALL", "SYS_ADMIN", "NET_ADMIN"])
def test_any_other_capability_is_refused(capability: str) -> None:
    assert CAPABILITIES == refusal(adding("SYS_PTRACE", capability))


@pytest.fixture
def registry(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry that task definitions are registered with, and everything as before afterwards."""
    provisioners = import_module("ministack.services.cloudformation.provisioners")
    stacks = import_module("ministack.services.cloudformation.stacks")
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", dict(provisioners._RESOURCE_HANDLERS))
    monkeypatch.setattr(stacks, "_runs_on_worker_thread", stacks._runs_on_worker_thread)
    module, table = OPERATIONS["ecs"]
    monkeypatch.setattr(import_module(module), table, dict(getattr(import_module(module), table)))
    made = Registry(Settings(tmp_path))
    task_definitions.register(made)
    return made


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
