"""The quotas that the environments of one account and region lean on, and which of them are too small.

https://docs.aws.amazon.com/servicequotas/latest/userguide/intro.html
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import errors
from pipeline.aws.session import Aws
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context

Needs = Mapping[str, float]


@dataclass(frozen=True)
class Quota:
    """A quota, by the codes of Service Quotas.

    counts: the CloudFormation type of what is counted, or the capacity provider whose vCPUs are.
    used: how many of them the account has in the region; None where nobody counts them for us.
    """

    name: str
    service: str
    code: str
    counts: str
    used: Callable[[Aws], int] | None = None


def _vpcs(aws: Aws) -> int:
    pages = aws.client("ec2").get_paginator("describe_vpcs").paginate()
    return sum(len(page["Vpcs"]) for page in pages)


def _internet_gateways(aws: Aws) -> int:
    pages = aws.client("ec2").get_paginator("describe_internet_gateways").paginate()
    return sum(len(page["InternetGateways"]) for page in pages)


def _load_balancers(aws: Aws) -> int:
    pages = aws.client("elbv2").get_paginator("describe_load_balancers").paginate()
    return sum(one["Type"] == "application" for page in pages for one in page["LoadBalancers"])


def _target_groups(aws: Aws) -> int:
    pages = aws.client("elbv2").get_paginator("describe_target_groups").paginate()
    return sum(len(page["TargetGroups"]) for page in pages)


def _databases(aws: Aws) -> int:
    pages = aws.client("rds").get_paginator("describe_db_instances").paginate()
    return sum(len(page["DBInstances"]) for page in pages)


# A release needs no elastic IP address: load balancer and tasks have addresses that AWS lends. What one load
# balancer has (3 rules of 100, 1 listener of 50) does not grow with the number of environments.
QUOTAS = (
    Quota("VPCs", "vpc", "L-F678F1CE", "AWS::EC2::VPC", _vpcs),
    Quota("internet gateways", "vpc", "L-A4707A72", "AWS::EC2::InternetGateway", _internet_gateways),
    Quota(
        "Application Load Balancers",
        "elasticloadbalancing",
        "L-53DA6B97",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        _load_balancers,
    ),
    Quota(
        "target groups",
        "elasticloadbalancing",
        "L-B22855CB",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        _target_groups,
    ),
    Quota("database servers", "rds", "L-7B6409FD", "AWS::RDS::DBInstance", _databases),
    Quota("Fargate vCPUs", "fargate", "L-3032A538", "FARGATE"),
    Quota("Fargate Spot vCPUs", "fargate", "L-36FBB829", "FARGATE_SPOT"),
)


def report(contexts: Sequence[Context], log: Log) -> None:
    """Say which quotas are too small for what these environments still need, and what the rest comes to.

    contexts: environments of one account and region. A quota that can't be read is said.
    """
    aws, needs = contexts[0].aws, needed(contexts)
    enough, unread = [], []
    for quota in QUOTAS:
        need = needs.get(quota.counts, 0)
        try:
            limit = _limit(aws, quota)
            used = quota.used(aws) if quota.used else 0
        except (ClientError, BotoCoreError) as error:
            unread.append(f"{quota.name} ({errors.code_of(error)})")
            continue
        have = f"{used} of {limit:g} taken, " if quota.used else f"{limit:g}, "
        line = f"{quota.name}: {have}{need:g} needed"
        if need and used + need > limit:
            log(f"the quota in {aws.region} is too small for {line}")
            log(f"ask for more: {_request(aws, quota, used + need)}")
        else:
            enough.append(line)
    if enough:
        log(f"enough in {aws.region}: " + "; ".join(enough))
    if unread:
        log("quotas that could not be read: " + ", ".join(unread))


def needed(contexts: Sequence[Context]) -> Needs:
    """What the environments need beside what is there: resources by type, vCPUs by capacity provider.

    A stack that is there needs no more resources. vCPUs are those of the tasks of all environments at once,
    of both versions, as while a release goes out.
    """
    needs: Counter[str] = Counter()
    vcpus = dict.fromkeys(("FARGATE", "FARGATE_SPOT"), 0.0)
    for context in contexts:
        for node in context.stacks.values():
            current = context.current(node)
            if current is None or current.status.must_be_cleared:
                needs.update(one.type for one in node.template.resources.values())
            given = node.given
            if "TaskCpu" in given and "TaskCount" in given:
                provider = given.get("CapacityProvider", "FARGATE")
                vcpus[provider] += 2 * float(given["TaskCount"]) * float(given["TaskCpu"]) / 1024
    return {**needs, **vcpus}


def _limit(aws: Aws, quota: Quota) -> float:
    """The account's own value in the region, or AWS's default where the account has none."""
    client = aws.client("service-quotas")
    try:
        found = client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    except ClientError as error:
        if errors.code_of(error) != "NoSuchResourceException":
            raise
        default = client.get_aws_default_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
        return default["Quota"]["Value"]
    return found["Quota"]["Value"]


def _request(aws: Aws, quota: Quota, wanted: float) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --region {aws.region} "
        f"--service-code {quota.service} --quota-code {quota.code} --desired-value {math.ceil(wanted)}"
    )
