"""A service as a record: its deployments and events, in the shape of DescribeServices.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.tasks.task import Task, count
from local_aws.shapes import DeploymentConfiguration, LoadBalancer

KEPT_EVENTS = 100


@dataclass
class Service:
    """A service: its request, with all updates, and its deployments, the primary deployment first.

    stable: the last completed deployment, to which a failed deployment rolls back. rollouts: the service
    deployments, newest first.
    """

    name: str
    arn: str
    cluster_arn: str
    request: dict[str, Any]
    created_at: float
    status: str = "ACTIVE"
    deployments: list[TaskSet] = field(default_factory=list)
    stable: TaskSet | None = None
    rollouts: list[ServiceDeployment] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    was_steady: bool = False

    @property
    def desired(self) -> int:
        return int(self.request["desiredCount"])

    @property
    def primary(self) -> TaskSet:
        return self.deployments[0]

    @property
    def rollout(self) -> ServiceDeployment | None:
        """The newest service deployment."""
        return self.rollouts[0] if self.rollouts else None

    def wanted(self, revision: TaskSet) -> int:
        """The number of tasks that a revision should have."""
        return self.desired if revision.count is None else revision.count

    @property
    def group(self) -> str:
        return f"service:{self.name}"

    @property
    def configuration(self) -> DeploymentConfiguration:
        """deploymentConfiguration with ECS's defaults."""
        given = self.request.get("deploymentConfiguration") or {}
        breaker = {"enable": False, "rollback": False} | (given.get("deploymentCircuitBreaker") or {})
        defaults = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING"}
        return cast(DeploymentConfiguration, {**defaults, **given, "deploymentCircuitBreaker": breaker})

    @property
    def load_balancers(self) -> Sequence[LoadBalancer]:
        return self.request.get("loadBalancers") or []

    @property
    def grace_seconds(self) -> int:
        return int(self.request.get("healthCheckGracePeriodSeconds") or 0)

    def say(self, message: str, now: float) -> None:
        """Add an event, "(service NAME) <message>". ECS keeps the last hundred, newest first."""
        event = {"id": str(uuid.uuid4()), "createdAt": now, "message": f"(service {self.name}) {message}"}
        self.events = [event, *self.events][:KEPT_EVENTS]

    def describe(self, tasks: Sequence[Task]) -> dict[str, Any]:
        """The service in the shape of DescribeServices. tasks: all tasks of the service."""
        own = {
            key: value for key, value in self.request.items() if key not in ("cluster", "clientToken", "tags")
        }
        return {
            **own,
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster_arn,
            "status": self.status,
            "taskDefinition": self.primary.definition_arn if self.deployments else own.get("taskDefinition"),
            "runningCount": count(tasks, "RUNNING"),
            "pendingCount": count(tasks, "PENDING"),
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "ECS"},
            "deploymentConfiguration": dict(self.configuration),
            "deployments": [self._describe_deployment(one, tasks) for one in self.deployments],
            "currentServiceRevisions": [
                {"arn": one.revision_arn(self.arn), "runningTaskCount": self._running(one, tasks)}
                for one in self.deployments
            ],
            **self._current_deployment(),
            "events": self.events,
            "createdAt": self.created_at,
        }

    def _current_deployment(self) -> dict[str, str]:
        ongoing = self.rollout is not None and self.rollout.is_ongoing
        return {"currentServiceDeployment": self.rollout.arn} if ongoing and self.rollout else {}

    @staticmethod
    def _running(revision: TaskSet, tasks: Sequence[Task]) -> int:
        return count([task for task in tasks if task.started_by == revision.id], "RUNNING")

    def _describe_deployment(self, deployment: TaskSet, tasks: Sequence[Task]) -> dict[str, Any]:
        own = [task for task in tasks if task.started_by == deployment.id]
        primary = deployment is self.primary
        return {
            **deployment.settings,
            "id": deployment.id,
            "status": "PRIMARY" if primary else "ACTIVE",
            "taskDefinition": deployment.definition_arn,
            "desiredCount": self.wanted(deployment) if primary else count(own, "RUNNING"),
            "runningCount": count(own, "RUNNING"),
            "pendingCount": count(own, "PENDING"),
            "failedTasks": deployment.failed_tasks,
            "rolloutState": deployment.rollout_state,
            "rolloutStateReason": deployment.rollout_reason,
            "createdAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
        }
