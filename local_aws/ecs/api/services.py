"""CreateService, UpdateService, DeleteService, DescribeServices and ListServices.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

import time
from collections.abc import Mapping
from typing import Any, cast

from local_aws.ecs.api.deployment_refusals import refusal
from local_aws.ecs.api.requests import Checks, invalid, name_in
from local_aws.ecs.deployments.scheduler import Scheduler
from local_aws.ecs.services.revision import REVISION
from local_aws.ecs.services.service import Service
from local_aws.emulator.refusals import RefusedError
from local_aws.shapes import DeploymentConfiguration, TaskDefinition

Request = dict[str, Any]
Answer = dict[str, Any]

CHANGEABLE = (
    *REVISION,
    "desiredCount",
    "deploymentConfiguration",
    "healthCheckGracePeriodSeconds",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "propagateTags",
    "availabilityZoneRebalancing",
)
SETTINGS = (
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
)


class ServiceOperations:
    """The operations on services."""

    def __init__(self, scheduler: Scheduler, checks: Checks) -> None:
        self._scheduler = scheduler
        self._checks = checks

    def create(self, request: Request) -> Answer:
        cluster = self._checks.cluster_arn(request.get("cluster"))
        name = request.get("serviceName")
        if not name:
            raise invalid("Service name cannot be empty.")
        arn = _arn(cluster, name)
        with self._scheduler.fleet.lock:
            known = self._scheduler.services.get(arn)
            if known is not None and known.status == "ACTIVE":
                raise invalid("Creation of service was not idempotent.")
            if known is not None and known.status == "DRAINING":
                raise invalid("Unable to Start a service that is still Draining.")
            definition = self._checked(request)
            kept = {"desiredCount": 1, **request, "taskDefinition": definition["taskDefinitionArn"]}
            service = Service(name, arn, cluster, kept, created_at=time.time())
            self._scheduler.deploy(service, definition, settings_of(kept))
        return {"service": self._describe(service)}

    def update(self, request: Request) -> Answer:
        service = self.find(request.get("cluster"), request["service"])
        if service.status != "ACTIVE":
            raise RefusedError("ServiceNotActiveException", "Service was not ACTIVE.")
        with self._scheduler.fleet.lock:
            changed = {key: request[key] for key in CHANGEABLE if request.get(key) is not None}
            wanted = {**service.request, **changed}
            definition = self._checked(wanted)
            wanted["taskDefinition"] = definition["taskDefinitionArn"]
            new = any(wanted.get(key) != service.request.get(key) for key in REVISION)
            service.request = wanted
            service.was_steady = False
            if new or request.get("forceNewDeployment"):
                self._scheduler.deploy(service, definition, settings_of(wanted))
            self._scheduler.wake()
        return {"service": self._describe(service)}

    def delete(self, request: Request) -> Answer:
        service = self.find(request.get("cluster"), request["service"])
        with self._scheduler.fleet.lock:
            if service.status == "ACTIVE":
                if service.desired > 0 and not request.get("force"):
                    raise invalid("The service cannot be stopped while it is scaled above 0.")
                service.status = "DRAINING"
                if service.rollout is not None and service.rollout.is_ongoing:
                    service.rollout.become("STOPPED", time.time(), "The service was deleted.")
                service.request["desiredCount"] = 0
            self._scheduler.wake()
        return {"service": self._describe(service)}

    def describe(self, request: Request) -> Answer:
        cluster = self._checks.cluster_arn(request.get("cluster"))
        with_tags = "TAGS" in (request.get("include") or [])
        found, failures = [], []
        for reference in request.get("services") or []:
            arn = _arn(cluster, name_in(reference))
            service = self._scheduler.services.get(arn)
            if service is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                tags = {"tags": service.request.get("tags") or []} if with_tags else {}
                found.append(self._describe(service) | tags)
        return {"services": found, "failures": failures}

    def list(self, request: Request) -> Answer:
        cluster = self._checks.cluster_arn(request.get("cluster"))
        return {
            "serviceArns": [
                arn
                for arn, service in self._scheduler.services.items()
                if service.cluster_arn == cluster and service.status != "INACTIVE"
            ]
        }

    def find(self, cluster: str | None, reference: str) -> Service:
        """A service by name or ARN. Raises RefusedError when the cluster or the service does not exist."""
        arn = _arn(self._checks.cluster_arn(cluster), name_in(reference))
        service = self._scheduler.services.get(arn)
        if service is None:
            raise RefusedError("ServiceNotFoundException", "Service not found.")
        return service

    def _checked(self, request: Mapping[str, Any]) -> TaskDefinition:
        definition = self._checks.definition(request.get("taskDefinition") or "")
        self._checks.network(request.get("networkConfiguration") or {}, definition)
        self._checks.load_balancers(request.get("loadBalancers") or [], definition)
        configuration = cast(DeploymentConfiguration, request.get("deploymentConfiguration") or {})
        if problem := refusal(configuration, request.get("loadBalancers") or []):
            raise invalid(problem)
        self._checks.traffic(request.get("loadBalancers") or [])
        return definition

    def _describe(self, service: Service) -> Answer:
        with self._scheduler.fleet.lock:
            return service.describe(self._scheduler.fleet.tasks(service))


def _arn(cluster: str, name: str) -> str:
    return f"{cluster.replace(':cluster/', ':service/')}/{name}"


def settings_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a request that a deployment's tasks start with."""
    return {key: request[key] for key in SETTINGS if request.get(key)}
