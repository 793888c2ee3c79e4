"""A resource that names a VPC, subnet, route table, gateway or security group must name one that exists.

MiniStack accepts any id. AWS refuses an unknown id with one of these codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from local_aws.emulator.cloudformation import ResourceOperation, before_resource
from local_aws.emulator.registry import Properties, RefusedError, Registry


@dataclass(frozen=True)
class Kind:
    """A resource that another names. code, words: EC2's error; `{}` is the id."""

    resource_type: str
    code: str
    words: str


VPC = Kind("AWS::EC2::VPC", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist")
SUBNET = Kind("AWS::EC2::Subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist")
GROUP = Kind("AWS::EC2::SecurityGroup", "InvalidGroup.NotFound", "The security group '{}' does not exist")
ROUTES = Kind("AWS::EC2::RouteTable", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist")
GATEWAY = Kind(
    "AWS::EC2::InternetGateway",
    "InvalidInternetGatewayID.NotFound",
    "The internetGateway ID '{}' does not exist",
)

# Resource type -> path of the property -> the resource that it names. `*` is each member of a list.
RESOURCES: Mapping[str, Mapping[str, Kind]] = {
    "AWS::EC2::Subnet": {"VpcId": VPC},
    "AWS::EC2::RouteTable": {"VpcId": VPC},
    "AWS::EC2::VPCGatewayAttachment": {"VpcId": VPC, "InternetGatewayId": GATEWAY},
    "AWS::EC2::Route": {"RouteTableId": ROUTES},
    "AWS::EC2::SubnetRouteTableAssociation": {"SubnetId": SUBNET, "RouteTableId": ROUTES},
    "AWS::EC2::SecurityGroup": {
        "VpcId": VPC,
        "SecurityGroupIngress.*.SourceSecurityGroupId": GROUP,
        "SecurityGroupEgress.*.DestinationSecurityGroupId": GROUP,
    },
    "AWS::EC2::SecurityGroupIngress": {"GroupId": GROUP, "SourceSecurityGroupId": GROUP},
    "AWS::EC2::SecurityGroupEgress": {"GroupId": GROUP, "DestinationSecurityGroupId": GROUP},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "Subnets.*": SUBNET,
        "SubnetMappings.*.SubnetId": SUBNET,
        "SecurityGroups.*": GROUP,
    },
    "AWS::ElasticLoadBalancingV2::TargetGroup": {"VpcId": VPC},
}

# Operation -> pattern of the request parameter -> the resource that it names.
OPERATIONS: Mapping[tuple[str, str], Mapping[str, Kind]] = {
    ("ec2", "CreateSubnet"): {r"VpcId": VPC},
    ("ec2", "CreateSecurityGroup"): {r"VpcId": VPC},
    ("ec2", "CreateRouteTable"): {r"VpcId": VPC},
    ("ec2", "AuthorizeSecurityGroupIngress"): {
        r"IpPermissions\.\d+\.(UserIdGroupPairs|Groups)\.\d+\.GroupId": GROUP
    },
    ("ec2", "AuthorizeSecurityGroupEgress"): {
        r"IpPermissions\.\d+\.(UserIdGroupPairs|Groups)\.\d+\.GroupId": GROUP
    },
    ("elbv2", "CreateLoadBalancer"): {r"Subnets\.member\.\d+": SUBNET, r"SecurityGroups\.member\.\d+": GROUP},
    ("elbv2", "SetSecurityGroups"): {r"SecurityGroups\.member\.\d+": GROUP},
    ("elbv2", "CreateTargetGroup"): {r"VpcId": VPC},
}
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html#API_CreateLoadBalancer_Errors
ELB_CODES = {SUBNET: "SubnetNotFound", GROUP: "InvalidSecurityGroup", VPC: "ValidationError"}


def register(registry: Registry) -> None:
    """Check references before CloudFormation or an operation creates or changes a resource."""

    def exists(kind: Kind, name: str) -> bool:
        return name in registry.records(kind.resource_type)

    def check(operation: ResourceOperation) -> None:
        if operation.kind != "delete" and not operation.changes_nothing:
            refuse_resource(operation.resource_type, operation.properties, exists)

    before_resource(check)
    for (service, operation), named in OPERATIONS.items():
        registry.check_operation(service, operation, partial(refuse_request, service, named, exists))


def refuse_resource(resource_type: str, properties: Properties, exists: Callable[[Kind, str], bool]) -> None:
    """Raise ValueError, in the words of CloudFormation's resource handlers, for an unknown id."""
    service = "ElasticLoadBalancingV2" if "LoadBalancing" in resource_type else "Ec2"
    for path, kind in RESOURCES.get(resource_type, {}).items():
        for name in values_at(properties, path.split(".")):
            if not exists(kind, name):
                words = kind.words.format(name)
                raise ValueError(
                    f'Resource handler returned message: "{words} (Service: {service}, Status Code: 400)" '
                    "(HandlerErrorCode: NotFound)"
                )


def values_at(value: Any, path: list[str]) -> Iterator[str]:
    """The strings at a path of property names and `*`."""
    if not path:
        if isinstance(value, str):
            yield value
    elif path[0] == "*" and isinstance(value, list):
        for member in value:
            yield from values_at(member, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])


def refuse_request(
    service: str,
    named: Mapping[str, Kind],
    exists: Callable[[Kind, str], bool],
    request: Mapping[str, list[str]],
) -> None:
    """Raise RefusedError, in the words of EC2 or Elastic Load Balancing, for an unknown id."""
    for pattern, kind in named.items():
        for key, values in request.items():
            if re.fullmatch(pattern, key) and not exists(kind, values[0]):
                code = ELB_CODES[kind] if service == "elbv2" else kind.code
                raise RefusedError(code, kind.words.format(values[0]))
