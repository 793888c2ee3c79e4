"""A stack's resources by logical id and by type, also while it is still being made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.graph.graph import SERVICE

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

ALARM = "AWS::CloudWatch::Alarm"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"


@dataclass(frozen=True)
class Resources:
    """physical: logical id -> physical id; types: logical id -> type. Only what exists is in them."""

    physical: Mapping[str, str]
    types: Mapping[str, str]

    def of_type(self, kind: str) -> list[str]:
        """The physical ids of all resources of a type."""
        return [self.physical[name] for name, its in self.types.items() if its == kind]

    @property
    def service_arn(self) -> str:
        """The ECS service's ARN, or nothing while there is none."""
        found = self.of_type(SERVICE)
        return found[0] if found and found[0].startswith("arn:") else ""


def read(cloudformation: "CloudFormationClient", stack: str) -> Resources:
    """The resources of a stack, by name or id; none where there is no such stack."""
    try:
        answer = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return Resources({}, {})
        raise
    there = [
        raw
        for raw in answer
        if raw.get("PhysicalResourceId") and raw.get("ResourceStatus") != "DELETE_COMPLETE"
    ]
    return Resources(
        {raw["LogicalResourceId"]: raw["PhysicalResourceId"] for raw in there},
        {raw["LogicalResourceId"]: raw["ResourceType"] for raw in there},
    )
