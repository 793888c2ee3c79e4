"""The records of resources, by resource type: the dicts from which MiniStack's operations answer."""

from abc import abstractmethod
from collections.abc import MutableMapping
from typing import Any, TypeVar

from local_aws.emulator import internals

Record = dict[str, Any]
Value = TypeVar("Value")

_ELB = "AWS::ElasticLoadBalancingV2"
_RECORDS = {
    "AWS::CloudFormation::Stack": ("cloudformation", "_stacks"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "_alarms"),
    "AWS::EC2::InternetGateway": ("ec2", "_internet_gateways"),
    "AWS::EC2::RouteTable": ("ec2", "_route_tables"),
    "AWS::EC2::SecurityGroup": ("ec2", "_security_groups"),
    "AWS::EC2::Subnet": ("ec2", "_subnets"),
    "AWS::EC2::VPC": ("ec2", "_vpcs"),
    "AWS::ECR::Repository": ("ecr", "_repositories"),
    "AWS::ECS::Cluster": ("ecs", "_clusters"),
    "AWS::ECS::TaskDefinition": ("ecs", "_task_defs"),
    f"{_ELB}::Listener": ("alb", "_listeners"),
    f"{_ELB}::ListenerRule": ("alb", "_rules"),
    f"{_ELB}::LoadBalancer": ("alb", "_lbs"),
    f"{_ELB}::TargetGroup": ("alb", "_tgs"),
    "AWS::IAM::ManagedPolicy": ("iam", "_policies"),
    "AWS::IAM::OIDCProvider": ("iam", "_oidc_providers"),
    "AWS::IAM::Role": ("iam", "_roles"),
    "AWS::Logs::LogGroup": ("cloudwatch_logs", "_log_groups"),
    "AWS::RDS::DBInstance": ("rds", "_instances"),
    "AWS::RDS::DBParameterGroup": ("rds", "_param_groups"),
    "AWS::RDS::DBSnapshot": ("rds", "_snapshots"),
    "AWS::RDS::DBSubnetGroup": ("rds", "_subnet_groups"),
}
_ATTRIBUTES = {
    f"{_ELB}::LoadBalancer": ("alb", "_lb_attrs"),
    f"{_ELB}::TargetGroup": ("alb", "_tg_attrs"),
}


class Store(MutableMapping[str, Value]):
    """A dict of one account's records in one region: that of the request, or of `Registry.scope()`."""

    @abstractmethod
    def all_values(self) -> list[Value]:
        """The values of every account and region."""


def records(resource_type: str) -> Store[Record]:
    """The records of all resources of a type, by physical id (a task definition: by family:revision).

    A store shows one account and region. Use `Registry.scope()` outside of a request.
    """
    store: Store[Record] = internals.get(*_RECORDS[resource_type])
    return store


def attributes(resource_type: str) -> Store[list[Record]]:
    """The attributes, each a Key and a Value, of all load balancers or target groups, by ARN."""
    store: Store[list[Record]] = internals.get(*_ATTRIBUTES[resource_type])
    return store


def regions(resource_type: str) -> set[str]:
    """The regions that have a resource of this type."""
    return {region for _, region, _ in list(internals.get(*_RECORDS[resource_type])._data)}


def newest_revision(family: str) -> str:
    """The newest revision of a task definition's family, "" for an unknown family."""
    return str(internals.get("ecs", "_task_def_latest").get(family, ""))
