"""What EC2 refuses about networks and security groups, in its words where they are known.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any

from pipeline.refusals.values import known, mappings, number, text

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
_WORDS = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_VALID_WORDS = (
    "Valid descriptions are strings less than 256 characters from the following set: "
    "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
)
_PROTOCOLS = {"tcp", "udp", "icmp", "icmpv6", "-1"}


def vpc(properties: Mapping[str, Any]) -> Iterator[str]:
    """What EC2 refuses about AWS::EC2::VPC."""
    yield from _block(properties.get("CidrBlock"))


def subnet(properties: Mapping[str, Any], region: str | None = None) -> Iterator[str]:
    """What EC2 refuses about AWS::EC2::Subnet by itself; `place` looks at the VPC and its other subnets."""
    yield from _block(properties.get("CidrBlock"))
    zone = text(properties.get("AvailabilityZone"))
    if zone is not None and region is not None and not re.fullmatch(rf"{region}(-[a-z0-9-]+)?[a-z]", zone):
        yield f"Value ({zone}) for parameter availabilityZone is invalid. Subnets are made in {region} here."


def place(cidr: Any, vpc_cidrs: Iterable[Any], others: Iterable[Any]) -> Iterator[str]:
    """What EC2 refuses about a subnet's addresses in a VPC with these addresses and these other subnets."""
    block = _network(cidr)
    if block is None:
        return
    inside = [_network(one) for one in vpc_cidrs]
    if inside and None not in inside and not any(one and block.subnet_of(one) for one in inside):
        yield f"The CIDR '{cidr}' is invalid. (It is outside of the VPC's addresses.)"
    for other in others:
        taken = _network(other)
        if taken is not None and block.overlaps(taken):
            yield f"The CIDR '{cidr}' conflicts with another subnet"


def security_group(properties: Mapping[str, Any]) -> Iterator[str]:
    """What EC2 refuses about AWS::EC2::SecurityGroup."""
    if (text(properties.get("GroupName")) or "").startswith("sg-"):
        yield "Value for parameter GroupName is invalid. Group names may not be in the format sg-*."
    for side in ("SecurityGroupIngress", "SecurityGroupEgress"):
        rules = list(mappings(properties.get(side)))
        for rule in rules:
            yield from security_group_rule(rule)
        written = [_same(rule) for rule in rules if known(rule)]
        if len(set(written)) < len(written):
            yield "The same permission must not appear multiple times"


def security_group_rule(rule: Mapping[str, Any]) -> Iterator[str]:
    """What EC2 refuses about one rule of a security group."""
    words = text(rule.get("Description"))
    if words is not None and not _WORDS.fullmatch(words):
        yield (f"Invalid rule description. {_VALID_WORDS}")
    protocol = text(rule.get("IpProtocol"))
    if protocol is not None and protocol.lower() not in _PROTOCOLS and not _protocol_number(protocol):
        yield f"Invalid value '{protocol}' for IP protocol. Unknown protocol."
    first, last = number(rule.get("FromPort")), number(rule.get("ToPort"))
    if (protocol or "").lower() in ("tcp", "udp", "6", "17") and first is not None and last is not None:
        if not (0 <= first <= 65535 and 0 <= last <= 65535):
            yield f"Invalid value '{first:g}-{last:g}' for portRange. Ports are 0 to 65535."
        elif first > last:
            yield f"Invalid value '{first:g}-{last:g}' for portRange. The first is greater than the last."
    cidr = text(rule.get("CidrIp"))
    if cidr is not None and (_network(cidr) is None or "/" not in cidr):
        yield f"CIDR block {cidr} is malformed"


def route(properties: Mapping[str, Any]) -> Iterator[str]:
    """What EC2 refuses about AWS::EC2::Route."""
    cidr = text(properties.get("DestinationCidrBlock"))
    if cidr is not None and _network(cidr) is None:
        yield f"Value ({cidr}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
    targets = {key for key in properties if key in _TARGETS}
    if not targets:
        yield "The request must contain a target: gatewayId, natGatewayId or the like"
    if len(targets) > 1:
        yield f"The request must contain exactly one target, and contains {', '.join(sorted(targets))}"


_TARGETS = {
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
}


def _block(cidr: Any) -> Iterator[str]:
    words = text(cidr)
    if words is None:
        return
    network = _network(words)
    if network is None:
        yield f"Value ({words}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    elif not 16 <= network.prefixlen <= 28:
        yield f"The CIDR '{words}' is invalid. (A VPC and a subnet have a netmask of /16 to /28.)"


def _network(cidr: Any) -> IPv4Network | None:
    try:
        found = ip_network(str(cidr), strict=False)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None


def _protocol_number(protocol: str) -> bool:
    return protocol.isdigit() and int(protocol) <= 255


def _same(rule: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, str(text(value))) for key, value in rule.items() if key != "Description"))
