"""An ECS service as it runs, and the two calls that put it right.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pipeline.aws.stopped_tasks import names

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient


@dataclass(frozen=True)
class RunningService:
    """What DescribeServices shows of a service. seen_at: when, on AWS's clock."""

    arn: str
    task_definition: str
    desired: int
    running: int
    seen_at: datetime

    @property
    def told(self) -> str:
        """`1 of 2 tasks run`."""
        return f"{self.running} of {self.desired} tasks run"


def describe(ecs: "ECSClient", service_arn: str) -> RunningService | None:
    """The service as it is now; None where somebody deleted the service."""
    cluster, name = names(service_arn)
    answer = ecs.describe_services(cluster=cluster, services=[name])
    found = [service for service in answer["services"] if service.get("status") != "INACTIVE"]
    if not found:
        return None
    return RunningService(
        service_arn,
        found[0].get("taskDefinition", ""),
        found[0].get("desiredCount", 0),
        found[0].get("runningCount", 0),
        parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]),
    )


def set_count(ecs: "ECSClient", service_arn: str, count: int) -> None:
    """Set how many tasks should run. That alone begins no rollout."""
    cluster, name = names(service_arn)
    ecs.update_service(cluster=cluster, service=name, desiredCount=count)


def release(ecs: "ECSClient", service_arn: str, task_definition: str) -> None:
    """Begin a rollout of a task definition, also of the one that the service has already."""
    cluster, name = names(service_arn)
    ecs.update_service(cluster=cluster, service=name, taskDefinition=task_definition, forceNewDeployment=True)
