"""One revision of a service and the tasks that run it: what DescribeServices calls a deployment.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import TaskDefinitionTypeDef as TaskDefinition

# What a revision fixes; a change of one of these makes a new deployment, the others hold at once.
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

    settings: what each task is made with (launch type, network, load balancers); request: the whole service
    as it was asked for, to go back to. count: how many tasks, None for as many as the service wants.
    held_until: no new task before that time, after failures.
    """

    definition: "TaskDefinition"
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
        """The part of the request that this revision stands for, to go back to."""
        kept = {key: self.request[key] for key in REVISION if key in self.request}
        return {**kept, "taskDefinition": self.definition_arn}

    def become(self, state: str, reason: str, now: float) -> None:
        self.rollout_state, self.rollout_reason, self.updated_at = state, reason, now

    def revision_arn(self, service_arn: str) -> str:
        return f"{service_arn.replace(':service/', ':service-revision/')}/{self.id.rpartition('/')[2]}"

    def describe_revision(self, service_arn: str, cluster_arn: str) -> dict[str, Any]:
        """As DescribeServiceRevisions gives it."""
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
