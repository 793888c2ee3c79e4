"""A task as a record, in the shape of DescribeTasks.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.ecs.tasks.dependencies import State
from local_aws.shapes import TaskDefinition


@dataclass
class Container:
    """A container of a task. docker_id is empty until the container starts.

    started_at: when it started, or was started again, in seconds since 1970.
    """

    name: str
    image: str
    essential: bool
    has_health_check: bool
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    docker_id: str = ""
    started_at: float = 0.0
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str = ""
    health: str = "UNKNOWN"

    @property
    def state(self) -> State:
        return State(self.status, self.exit_code, self.health)


@dataclass
class Task:
    """A task. Times are seconds since 1970. address: in the checkout's Docker network."""

    definition: TaskDefinition
    cluster_arn: str
    group: str
    started_by: str = ""
    launch_type: str = "FARGATE"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    created_at: float = 0.0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    address: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    containers: list[Container] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.containers:
            self.containers = [
                Container(one["name"], one["image"], bool(one["essential"]), bool(one.get("healthCheck")))
                for one in self.definition["containerDefinitions"]
            ]

    @property
    def arn(self) -> str:
        head, _, cluster = self.cluster_arn.partition(":cluster/")
        return f"{head}:task/{cluster}/{self.id}"

    @property
    def place(self) -> str:
        """The region and the account of the task, "eu-west-1:000000000000"."""
        return ":".join(self.arn.split(":")[3:5])

    @property
    def definition_arn(self) -> str:
        return str(self.definition["taskDefinitionArn"])

    @property
    def is_over(self) -> bool:
        return self.last_status == "STOPPED"

    @property
    def health(self) -> str:
        """The health of the essential containers with a health check: one UNHEALTHY container is enough."""
        checked = [one.health for one in self.containers if one.essential and one.has_health_check]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and set(checked) == {"HEALTHY"} else "UNKNOWN"

    @property
    def states(self) -> dict[str, State]:
        return {one.name: one.state for one in self.containers}

    def stop(self, code: str, reason: str, now: float) -> None:
        """Tell the task to stop. The first reason stays."""
        self.desired_status = "STOPPED"
        if not self.stopped_reason:
            self.stop_code, self.stopped_reason, self.stopping_at = code, reason, now

    def describe(self) -> dict[str, Any]:
        """The task in the shape of DescribeTasks."""
        described = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition_arn,
            "group": self.group,
            "startedBy": self.started_by or None,
            "lastStatus": self.last_status,
            "desiredStatus": self.desired_status,
            "healthStatus": self.health,
            "launchType": self.launch_type,
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "cpu": str(self.definition.get("cpu", "")),
            "memory": str(self.definition.get("memory", "")),
            "connectivity": "CONNECTED",
            "createdAt": self.created_at,
            "startedAt": self.started_at,
            "stoppingAt": self.stopping_at,
            "stoppedAt": self.stopped_at,
            "stopCode": self.stop_code or None,
            "stoppedReason": self.stopped_reason or None,
            "overrides": dict(self.overrides),
            "tags": self.tags,
            "attachments": [self._network_interface()],
            "containers": [self._describe_container(one) for one in self.containers],
        }
        return {key: value for key, value in described.items() if value is not None}

    def _network_interface(self) -> dict[str, Any]:
        subnets = (self.network.get("awsvpcConfiguration") or {}).get("subnets") or [""]
        details = {"subnetId": subnets[0], "privateIPv4Address": self.address}
        return {
            "id": str(uuid.UUID(self.id)),
            "type": "ElasticNetworkInterface",
            "status": "DELETED" if self.is_over else "ATTACHED" if self.address else "PRECREATED",
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        }

    def _describe_container(self, container: Container) -> dict[str, Any]:
        described = {
            "containerArn": f"{self.arn.replace(':task/', ':container/')}/{container.id}",
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "imageDigest": container.image.partition("@")[2] or None,
            "runtimeId": container.docker_id or None,
            "lastStatus": container.status,
            "exitCode": container.exit_code,
            "reason": container.reason or None,
            "healthStatus": container.health,
            "networkInterfaces": [{"privateIpv4Address": self.address}] if self.address else [],
        }
        return {key: value for key, value in described.items() if value is not None}


def count(tasks: Iterable[Task], status: str) -> int:
    """The number of tasks that DescribeServices counts as RUNNING or as PENDING."""
    pending = ("PROVISIONING", "PENDING", "ACTIVATING")
    wanted = pending if status == "PENDING" else (status,)
    return sum(task.last_status in wanted for task in tasks)
