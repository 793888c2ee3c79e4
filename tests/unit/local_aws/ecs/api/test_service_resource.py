"""What AWS::ECS::Service refuses before it asks ECS for anything."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from local_aws.ecs.api import service_resource
from local_aws.emulator.registry import Registry
from local_aws.settings import Settings


@pytest.fixture
def resource(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its handlers, on an ECS that must not be asked."""
    provisioners = import_module("ministack.services.cloudformation.provisioners")
    stacks = import_module("ministack.services.cloudformation.stacks")
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", dict(provisioners._RESOURCE_HANDLERS))
    for name in ("_runs_on_worker_thread", "_sends_back_failed_update"):
        monkeypatch.setattr(stacks, name, getattr(stacks, name))
    registry = Registry(Settings(tmp_path))
    service_resource.register(registry, None)  # type: ignore[arg-type]
    return registry.shipped_resource_type("AWS::ECS::Service")


def test_a_rollout_of_more_than_33_hours_is_refused_when_made_and_when_changed(resource: Any) -> None:
    hook = {
        "TargetType": "PAUSE",
        "LifecycleStages": ["PRE_SCALE_UP"],
        "TimeoutConfiguration": {"TimeoutInMinutes": "541"},
    }
    deployment = {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": "1440", "LifecycleHooks": [hook]}
    properties = {"Cluster": "c", "DeploymentConfiguration": deployment}
    words = r'"Total bake time \(1981 minutes\) .* limit of 33 hours\." .*HandlerErrorCode: InvalidRequest'

    with pytest.raises(ValueError, match=words):
        resource["create"]("Service", properties, "stack")
    with pytest.raises(ValueError, match=words):
        resource["update"]("arn:aws:ecs:::service/c/s", {"Cluster": "c"}, properties, "stack", "Service")
