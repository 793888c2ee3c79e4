"""AWS::ECS::Service: CloudFormation waits until the service is steady, and fails when its deployment fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html
"""

import uuid
from functools import partial
from typing import Any, cast

from local_aws.cloudformation.events import FailedAfterCreationError, show_creation
from local_aws.ecs.api.deployment_refusals import stack_refusal
from local_aws.ecs.api.requests import as_resource_error, name_in, request_from
from local_aws.ecs.api.services import ServiceOperations
from local_aws.ecs.services.service import Service
from local_aws.emulator.refusals import RefusedError, resource_error
from local_aws.emulator.registry import Attributes, Properties, Registry
from local_aws.shapes import DeploymentConfiguration
from pipeline.errors import WaitTimeoutError
from pipeline.waiting import wait_until

SERVICE = "AWS::ECS::Service"
# CloudFormation waits for a service deployment for 36 hours.
STABILISE_MINUTES = 36 * 60
LEAST_SECONDS = 600.0
_until = partial(wait_until, first_pause=0.1, longest_pause=0.1)


def register(registry: Registry, operations: ServiceOperations) -> None:
    timeout = max(LEAST_SECONDS, STABILISE_MINUTES * registry.checkout.minute_seconds)

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        _check(properties)
        name = properties.get("ServiceName") or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12]}"
        service = _call(lambda: operations.create(request_of(properties) | {"serviceName": name}))
        found = operations.find(properties.get("Cluster"), name)
        resources = show_creation(stack_name, logical_id, SERVICE, service["serviceArn"], properties)
        try:
            _wait(found, timeout)
        except ValueError as error:
            resources.pop(logical_id, None)
            delete(service["serviceArn"], properties)
            raise FailedAfterCreationError(str(error), service["serviceArn"]) from error
        return service["serviceArn"], _attributes(found)

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> tuple[str, Attributes]:
        if any(old.get(key) != new.get(key) for key in ("ServiceName", "Cluster", "LaunchType")):
            return create(logical_id, new, stack_name)
        _check(new)
        name = name_in(physical_id)
        request = request_of(new) | {"service": name, "forceNewDeployment": is_forced(new)}
        _call(lambda: operations.update(request))
        service = operations.find(new.get("Cluster"), name)
        _wait(service, timeout)
        return physical_id, _attributes(service)

    def delete(physical_id: str, properties: Properties) -> None:
        try:
            operations.delete({"cluster": properties.get("Cluster"), "service": physical_id, "force": True})
            service = operations.find(properties.get("Cluster"), physical_id)
        except RefusedError:
            return  # the service or its cluster is gone
        gone = f"the deletion of {service.name}"
        _until(lambda: service.status == "INACTIVE" or None, what=gone, timeout=timeout)

    registry.resource_type(SERVICE, create=create, update=update, delete=delete, waits=True, sent_back=True)


def request_of(properties: Properties) -> dict[str, Any]:
    """The API request for the properties of the resource."""
    request = request_from(properties, "CreateService")
    return {
        key: value
        for key, value in request.items()
        if key not in ("serviceName", "serviceConnectConfiguration")
    }


def is_forced(properties: Properties) -> bool:
    """Whether an update begins a new deployment although the task definition is the same.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-forcenewdeployment.html
    """
    force = properties.get("ForceNewDeployment") or {}
    return str(force.get("EnableForceNewDeployment")).lower() == "true"


def _check(properties: Properties) -> None:
    configuration = request_of(properties).get("deploymentConfiguration") or {}
    words = stack_refusal(cast(DeploymentConfiguration, configuration))
    if words is not None:
        raise resource_error(words, "InvalidRequest")


def _call(operation: Any) -> dict[str, Any]:
    try:
        service: dict[str, Any] = operation()["service"]
    except RefusedError as error:
        raise as_resource_error(error) from error
    return service


def _wait(service: Service, timeout: float) -> None:
    """Wait until the primary deployment is complete. Raises ValueError in AWS's words when it fails."""
    deployment = service.primary
    try:
        state = _until(
            lambda: (
                deployment.rollout_state
                if deployment.rollout_state == "FAILED"
                or (deployment.rollout_state == "COMPLETED" and service.was_steady)
                else None
            ),
            what=f"the deployment of {service.name}",
            timeout=timeout,
        )
    except WaitTimeoutError:
        state = "TIMED OUT"
    if state == "COMPLETED":
        return
    words, code = "Exceeded attempts to wait", "NotStabilized"
    if state == "FAILED":
        breaker = "circuit breaker" in deployment.rollout_reason
        cause = "ECS Deployment Circuit Breaker was triggered" if breaker else deployment.rollout_reason
        words = f"Error occurred during operation '{cause}'."
        code = "GeneralServiceException"
    raise resource_error(words, code)


def _attributes(service: Service) -> Attributes:
    return {"ServiceArn": service.arn, "Name": service.name}
