"""What AWS::ECS::Service refuses before it asks ECS for anything."""

from typing import Any

import pytest

from local_aws.ecs.api import service_resource
from local_aws.emulator.registry import Registry


@pytest.fixture
def resource(registry: Registry) -> Any:
    """Its handlers, on an ECS that must not be asked."""
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


@pytest.mark.parametrize(
    ("force", "expected"),
    [
        (None, False),
        ({"EnableForceNewDeployment": False, "ForceNewDeploymentNonce": "2"}, False),
        ({"EnableForceNewDeployment": "false"}, False),
        ({"EnableForceNewDeployment": "true"}, True),
        ({"EnableForceNewDeployment": True, "ForceNewDeploymentNonce": "2"}, True),
    ],
)
def test_an_update_forces_a_deployment_only_where_the_template_says_so(force: Any, expected: bool) -> None:
    properties = {} if force is None else {"ForceNewDeployment": force}

    assert expected is service_resource.is_forced(properties)
