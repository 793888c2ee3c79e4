"""ListServiceDeployments, Describe-, Continue- and StopServiceDeployment, DescribeServiceRevisions.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/continue-service-deployment.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
"""

import re
import time
from typing import Any

from local_aws.ecs.api.requests import invalid
from local_aws.ecs.api.services import ServiceOperations
from local_aws.ecs.deployments.scheduler import Scheduler
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.emulator.refusals import RefusedError

Request = dict[str, Any]
Answer = dict[str, Any]
MOST = 100


class DeploymentOperations:
    """The operations on service deployments."""

    def __init__(self, scheduler: Scheduler, services: ServiceOperations) -> None:
        self._scheduler = scheduler
        self._services = services

    def list(self, request: Request) -> Answer:
        """ListServiceDeployments: newest first, filtered by `createdAt` and `status`."""
        cluster, service = request.get("cluster"), str(request.get("service") or "")
        if not cluster and ":service/" in service:
            cluster = service.partition(":service/")[2].partition("/")[0]
        created = request.get("createdAt") or {}
        after, before = float(created.get("after") or 0), float(created.get("before") or "inf")
        found = [
            one.brief()
            for one in self._services.find(cluster, service).rollouts
            if one.status in (request.get("status") or [one.status]) and after <= one.created_at <= before
        ]
        start = int(request.get("nextToken") or 0)
        end = start + int(request.get("maxResults") or MOST)
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"serviceDeployments": found[start:end], **more}

    def describe(self, request: Request) -> Answer:
        found, failures = [], []
        with self._scheduler.fleet.lock:
            for arn in request.get("serviceDeploymentArns") or []:
                try:
                    service, rollout = self._find(arn)
                except RefusedError:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(rollout.describe(self._scheduler.fleet.tasks(service), service.desired))
        return {"serviceDeployments": found, "failures": failures}

    def describe_revisions(self, request: Request) -> Answer:
        known = {
            revision.revision_arn(service.arn): (service, revision)
            for service in self._scheduler.services.values()
            for rollout in service.rollouts
            for revision in (rollout.new, rollout.old)
            if revision is not None
        }
        arns = request.get("serviceRevisionArns") or []
        return {
            "serviceRevisions": [
                known[arn][1].describe_revision(known[arn][0].arn, known[arn][0].cluster_arn)
                for arn in arns
                if arn in known
            ],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
        }

    def proceed(self, request: Request) -> Answer:
        """ContinueServiceDeployment: answer a pause hook."""
        hook_id, action = str(request.get("hookId") or ""), request.get("action") or "CONTINUE"
        if not re.fullmatch(r"ecs-[a-z_]+-[\w-]+", hook_id):
            raise invalid("Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}")
        if action not in ("CONTINUE", "ROLLBACK"):
            raise invalid("Invalid action. Valid values are: CONTINUE, ROLLBACK")
        with self._scheduler.fleet.lock:
            _, rollout = self._find(request.get("serviceDeploymentArn"))
            if not rollout.is_ongoing:
                raise invalid(
                    "Continuing a service deployment is not allowed for service deployment in terminal "
                    "states."
                )
            waiting = [h for h in rollout.hooks if h.id == hook_id and h.status == "AWAITING_ACTION"]
            answerable = rollout.status == "IN_PROGRESS" and waiting
            if not answerable or waiting[0].expires_at <= time.time():
                raise invalid(
                    "Provided hookId is either completed, unavailable, or not associated with the given "
                    "Resource ARN"
                )
            waiting[0].status = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
            self._scheduler.wake()
        return {"serviceDeploymentArn": rollout.arn}

    def stop(self, request: Request) -> Answer:
        """StopServiceDeployment: roll back, or leave traffic and tasks as they are (ABORT)."""
        kind = request.get("stopType") or "ROLLBACK"
        if kind not in ("ROLLBACK", "ABORT"):
            raise invalid("Invalid stopType. Valid values are: ABORT, ROLLBACK")
        with self._scheduler.fleet.lock:
            service, rollout = self._find(request.get("serviceDeploymentArn"))
            if not rollout.is_ongoing:
                raise RefusedError(
                    "ConflictException",
                    f"Service deployment is in {rollout.status} state and can not be stopped.",
                )
            self._scheduler.stop_deployment(service, rollout, abort=kind == "ABORT")
        return {"serviceDeploymentArn": rollout.arn}

    def _find(self, arn: Any) -> tuple[Service, ServiceDeployment]:
        for service in self._scheduler.services.values():
            for rollout in service.rollouts:
                if rollout.arn == arn:
                    return service, rollout
        raise RefusedError("ServiceDeploymentNotFoundException", "The service deployment does not exist.")
