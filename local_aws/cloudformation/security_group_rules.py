"""A security group's rules: the API groups rules by protocol and ports, CloudFormation lists each rule.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
"""

from collections.abc import Iterable, Mapping
from typing import Any


def rules_of(permissions: Iterable[Mapping[str, Any]], side: str) -> list[dict[str, Any]]:
    """The rules as AWS::EC2::SecurityGroup writes them. side: Source for ingress, Destination for egress."""
    rules: list[dict[str, Any]] = []
    for permission in permissions:
        ports = {
            key: permission[key]
            for key in ("IpProtocol", "FromPort", "ToPort")
            if permission.get(key) is not None
        }
        rules.extend({**ports, **peer} for peer in _peers(permission, side))
    return rules


def _peers(permission: Mapping[str, Any], side: str) -> Iterable[dict[str, Any]]:
    kinds = (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId", f"{side}PrefixListId"),
        ("UserIdGroupPairs", "GroupId", f"{side}SecurityGroupId"),
    )
    for listed, key, name in kinds:
        for peer in permission.get(listed, []):
            described = {"Description": peer["Description"]} if peer.get("Description") else {}
            yield {name: peer[key], **described}
