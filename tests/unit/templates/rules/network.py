"""What may talk to what. Every rule takes a template and gives its faults, one line each."""

from collections.abc import Mapping
from typing import Any

from tests.unit.templates.reading import of_type, reference

WORLD = "the world"
Template = Mapping[str, Any]


def only_a_load_balancer_is_open_to_the_world(template: Template) -> list[str]:
    doors = {
        reference(group)
        for _, balancer in of_type(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
        for group in balancer["SecurityGroups"]
    }
    ports = {listener["Port"] for _, listener in of_type(template, "AWS::ElasticLoadBalancingV2::Listener")}
    faults = [
        f"{logical_id} opens a security group apart from it, where nobody looks for its rules"
        for logical_id, _ in of_type(template, "AWS::EC2::SecurityGroupIngress")
    ]
    for logical_id, group in of_type(template, "AWS::EC2::SecurityGroup"):
        for rule in group.get("SecurityGroupIngress", []):
            if "SourceSecurityGroupId" in rule:
                continue
            if logical_id not in doors:
                faults.append(f"{logical_id} lets in addresses, and no load balancer wears it")
            elif rule["FromPort"] != rule["ToPort"] or rule["FromPort"] not in ports:
                faults.append(f"{logical_id} lets in port {rule['FromPort']}, where no listener is")
    return faults


def security_groups_say_where_they_may_go(template: Template) -> list[str]:
    """Without an egress rule CloudFormation adds one to everywhere:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    """
    faults = []
    for logical_id, group in of_type(template, "AWS::EC2::SecurityGroup"):
        if not group.get("SecurityGroupEgress"):
            faults.append(f"{logical_id} has no egress rule, which means everywhere")
        for rule in group.get("SecurityGroupEgress", []):
            if str(rule["IpProtocol"]) == "-1":
                faults.append(f"{logical_id} may use every protocol")
            elif rule.get("CidrIp") == "0.0.0.0/0" and (rule["FromPort"], rule["ToPort"]) != (443, 443):
                faults.append(f"{logical_id} may reach the world on other ports than 443")
    return faults


def nothing_is_public_by_accident(template: Template) -> list[str]:
    faults = [
        f"{logical_id} must say PubliclyAccessible: false"
        for logical_id, database in of_type(template, "AWS::RDS::DBInstance")
        if database.get("PubliclyAccessible") is not False
    ]
    faults += [
        f"{logical_id} must say MapPublicIpOnLaunch: false"
        for logical_id, subnet in of_type(template, "AWS::EC2::Subnet")
        if subnet.get("MapPublicIpOnLaunch") is not False
    ]
    forbidden = ("AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::Instance")
    faults += [
        f"{logical_id} has a public address of its own" for logical_id, _ in of_type(template, *forbidden)
    ]
    return faults


def private_subnets_have_no_way_out(template: Template) -> list[str]:
    """Each subnet names its route table; only those of the public subnets have a route out."""
    table = {
        reference(tie["SubnetId"]): reference(tie["RouteTableId"])
        for _, tie in of_type(template, "AWS::EC2::SubnetRouteTableAssociation")
    }
    ways_out = {
        reference(route["RouteTableId"]): route.get("DestinationCidrBlock")
        for _, route in of_type(template, "AWS::EC2::Route")
    }
    faults = [
        f"{logical_id} follows the main route table, which anyone may add a route to"
        for logical_id, _ in of_type(template, "AWS::EC2::Subnet")
        if logical_id not in table
    ]
    faults += [
        f"{subnet} is private and has a route out"
        for subnet in _output_subnets(template, "PrivateSubnetIds")
        if table.get(subnet) in ways_out
    ]
    faults += [
        f"{subnet} is public and has no default route"
        for subnet in _output_subnets(template, "PublicSubnetIds")
        if ways_out.get(table.get(subnet)) != "0.0.0.0/0"
    ]
    return faults


def networks_find_names_and_the_internet(template: Template) -> list[str]:
    faults = []
    for logical_id, vpc in of_type(template, "AWS::EC2::VPC"):
        if not vpc.get("EnableDnsSupport") or not vpc.get("EnableDnsHostnames"):
            faults.append(f"{logical_id} resolves no names")
        attached = [
            reference(attachment["InternetGatewayId"])
            for _, attachment in of_type(template, "AWS::EC2::VPCGatewayAttachment")
            if reference(attachment["VpcId"]) == logical_id
        ]
        gateways = [gateway for gateway, _ in of_type(template, "AWS::EC2::InternetGateway")]
        if not gateways or gateways != attached:
            faults.append(f"{logical_id} has no internet gateway attached")
    return faults


def what_is_public_stands_in_public_subnets(template: Template) -> list[str]:
    """Without a NAT gateway a task in any other subnet, or without an address, cannot pull its image."""
    faults = [
        f"{logical_id} does not face the internet from the public subnets"
        for logical_id, balancer in of_type(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
        if (balancer.get("Scheme"), reference(balancer.get("Subnets")))
        != ("internet-facing", "PublicSubnetIds")
    ]
    for logical_id, service in of_type(template, "AWS::ECS::Service"):
        place = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        if (place.get("AssignPublicIp"), reference(place["Subnets"])) != ("ENABLED", "PublicSubnetIds"):
            faults.append(f"{logical_id} does not start its tasks with addresses in the public subnets")
    return faults


def subnets_lie_in_two_zones(template: Template) -> list[str]:
    faults = []
    for output in ("PublicSubnetIds", "PrivateSubnetIds"):
        subnets = dict(of_type(template, "AWS::EC2::Subnet"))
        zones = [repr(subnets[name]["AvailabilityZone"]) for name in _output_subnets(template, output)]
        if zones and len(set(zones)) < 2:
            faults.append(f"{output} has both subnets in one zone")
    return faults


def admissions(templates: Mapping[str, Template]) -> dict[str, set[tuple[int, int, str]]]:
    """Security group -> who is let in: first port, last port, source. Groups are called template.Id."""
    return {
        f"{name}.{logical_id}": {
            (
                rule["FromPort"],
                rule["ToPort"],
                _origin(templates, name, rule["SourceSecurityGroupId"])
                if "SourceSecurityGroupId" in rule
                else WORLD,
            )
            for rule in group.get("SecurityGroupIngress", [])
        }
        for name, template in templates.items()
        for logical_id, group in of_type(template, "AWS::EC2::SecurityGroup")
    }


def wearers(templates: Mapping[str, Template]) -> dict[str, set[str]]:
    """What wears security groups -> the groups it wears, all called template.LogicalId."""
    worn: dict[str, set[str]] = {}
    for name, template in templates.items():
        for kind, groups in (
            ("AWS::ElasticLoadBalancingV2::LoadBalancer", lambda p: p["SecurityGroups"]),
            (
                "AWS::ECS::Service",
                lambda p: p["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"],
            ),
            ("AWS::RDS::DBInstance", lambda p: p["VPCSecurityGroups"]),
        ):
            for logical_id, properties in of_type(template, kind):
                worn[f"{name}.{logical_id}"] = {
                    _origin(templates, name, group) for group in groups(properties)
                }
    return worn


def _origin(templates: Mapping[str, Template], name: str, value: Any) -> str:
    """The resource behind a reference: one of this template's own, or another's by way of its output."""
    target = reference(value)
    if target in templates[name]["Resources"]:
        return f"{name}.{target}"
    for other, template in templates.items():
        if target in template.get("Outputs", {}):
            return f"{other}.{reference(template['Outputs'][target]['Value'])}"
    return f"unknown: {value}"


def _output_subnets(template: Template, output: str) -> list[str]:
    value = template.get("Outputs", {}).get(output, {}).get("Value", {})
    return [str(reference(subnet)) for subnet in value.get("Fn::Join", [",", []])[1]]


RULES = (
    only_a_load_balancer_is_open_to_the_world,
    security_groups_say_where_they_may_go,
    nothing_is_public_by_accident,
    private_subnets_have_no_way_out,
    networks_find_names_and_the_internet,
    what_is_public_stands_in_public_subnets,
    subnets_lie_in_two_zones,
)
