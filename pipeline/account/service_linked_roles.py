"""The service-linked roles of an account, made before the first release needs them.

The first cluster, load balancer or database of an account lets AWS make the role of its service, and can fail
while AWS still makes the role. To make the roles beforehand is AWS's own advice.
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-service-linked-role.html
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.aws.errors import denied
from pipeline.cloudformation.stacks import Log

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

SERVICES = {
    "ECS": "ecs.amazonaws.com",
    "Elastic Load Balancing": "elasticloadbalancing.amazonaws.com",
    "RDS": "rds.amazonaws.com",
}
"""The name of a service -> the name by which IAM knows the service."""


def create(iam: "IAMClient", log: Log) -> None:
    """Make the roles that are missing, and say of each what became of it.

    A role that may not be made is said and not raised: the first release then lets AWS make the role.
    Raises ClientError for every other refusal.
    """
    for name, service in SERVICES.items():
        log(f"the service-linked role of {name}: {_create(iam, service)}")


def _create(iam: "IAMClient", service: str) -> str:
    try:
        iam.create_service_linked_role(AWSServiceName=service)
    except ClientError as error:
        # IAM has no code of its own for this refusal: InvalidInput stands for a misspelt service, too.
        if "has been taken" in error.response["Error"].get("Message", ""):
            return "there already"
        if not denied(error):
            raise
        return (
            "not made, for these credentials may not iam:CreateServiceLinkedRole; a first release that fails "
            "for want of the role has made the role, and works the second time"
        )
    return "made"
