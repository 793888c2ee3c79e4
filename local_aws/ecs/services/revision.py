"""A revision of a service and its tasks; DescribeServices calls it a deployment.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.shapes import TaskDefinition

# A change of one of these starts a new deployment; a change of another setting holds at once.
REVISION = (
    "taskDefinition",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
)


@dataclass
class TaskSet:
    """The tasks of one service revision. Times are seconds since 1970.

    settings: what each task starts with (launch type, network, load balancers). request: the request for the
    whole service, for a rollback. count: the number of tasks, None for the service's desired count.
    held_until: no task starts before this time, after failures.
    """

    definition: TaskDefinition
    settings: Mapping[str, Any]
    created_at: float
    id: str = field(default_factory=lambda: f"ecs-svc/{random.randrange(10**18, 10**19)}")  # noqa: S311
    rollout_state: str = "IN_PROGRESS"
    rollout_reason: str = ""
    failed_tasks: int = 0
    counted: set[str] = field(default_factory=set)
    held_until: float = 0.0
    updated_at: float = 0.0
    count: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.updated_at = self.updated_at or self.created_at
        self.rollout_reason = self.rollout_reason or f"ECS deployment {self.id} in progress."

    @property
    def definition_arn(self) -> str:
        return str(self.definition["taskDefinitionArn"])

    @property
    def asked(self) -> dict[str, Any]:
        """The part of the request that belongs to this revision, for a rollback."""
        kept = {key: self.request[key] for key in REVISION if key in self.request}
        return {**kept, "taskDefinition": self.definition_arn}

    def become(self, state: str, reason: str, now: float) -> None:
        self.rollout_state, self.rollout_reason, self.updated_at = state, reason, now

    def revision_arn(self, service_arn: str) -> str:
        return f"{service_arn.replace(':service/', ':service-revision/')}/{self.id.rpartition('/')[2]}"

    def describe_revision(self, service_arn: str, cluster_arn: str) -> dict[str, Any]:
        """The revision in the shape of DescribeServiceRevisions."""
        containers = self.definition["containerDefinitions"]
        configured = self.request.get("loadBalancers") or self.settings.get("loadBalancers") or []
        return {
            **{key: value for key, value in self.settings.items() if key != "loadBalancers"},
            "serviceRevisionArn": self.revision_arn(service_arn),
            "serviceArn": service_arn,
            "clusterArn": cluster_arn,
            "taskDefinition": self.definition_arn,
            "loadBalancers": configured,
            "containerImages": [
                {
                    "containerName": one["name"],
                    "image": one["image"],
                    "imageDigest": one["image"].partition("@")[2],
                }
                for one in containers
            ],
            "createdAt": self.created_at,
            "resolvedConfiguration": {
                "loadBalancers": [
                    {
                        "targetGroupArn": one["targetGroupArn"],
                        "productionListenerRule": (one.get("advancedConfiguration") or {}).get(
                            "productionListenerRule", ""
                        ),
                    }
                    for one in self.settings.get("loadBalancers") or []
                ]
            },
        }
