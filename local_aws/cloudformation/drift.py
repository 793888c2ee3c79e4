"""Drift detection for the resource types of the templates: what is there now, in the template's own shape.

MiniStack answers DetectStackDrift and its kin and compares, and has readers for some types; these are more. A
type without one is NOT_CHECKED. As at AWS, only what a template sets is compared.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.cloudformation.security_group_rules import rules_of
from local_aws.emulator.registry import Properties, Registry

Read = Callable[[str, Properties], Properties | None]
"""physical id, the template's properties -> what is there now; None where it is gone."""

_EXIST = {
    "AWS::EC2::InternetGateway": ("ec2", "_internet_gateways"),
    "AWS::EC2::RouteTable": ("ec2", "_route_tables"),
    "AWS::RDS::DBParameterGroup": ("rds", "_param_groups"),
    "AWS::RDS::DBSubnetGroup": ("rds", "_subnet_groups"),
    "AWS::ECS::Cluster": ("ecs", "_clusters"),
}
"""Only whether it is there is looked at."""

_RECORDS = {
    "AWS::EC2::VPC": ("ec2", "_vpcs", ("CidrBlock",)),
    "AWS::EC2::Subnet": (
        "ec2",
        "_subnets",
        ("CidrBlock", "VpcId", "AvailabilityZone", "MapPublicIpOnLaunch"),
    ),
    "AWS::RDS::DBInstance": (
        "rds",
        "_instances",
        ("DBInstanceClass", "AllocatedStorage", "BackupRetentionPeriod", "DeletionProtection", "MultiAZ"),
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch",
        "_alarms",
        (
            *("AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period"),
            *("EvaluationPeriods", "ComparisonOperator", "Threshold", "TreatMissingData", "ActionsEnabled"),
        ),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "alb",
        "_lbs",
        ("Scheme", "Type", "Subnets", "SecurityGroups", "IpAddressType"),
    ),
    "AWS::ElasticLoadBalancingV2::Listener": ("alb", "_listeners", ("Port", "Protocol", "DefaultActions")),
    "AWS::ElasticLoadBalancingV2::ListenerRule": (
        "alb",
        "_rules",
        ("ListenerArn", "Priority", "Conditions", "Actions"),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "alb",
        "_tgs",
        (
            *("TargetType", "VpcId", "Protocol", "Port", "HealthCheckProtocol", "HealthCheckPort"),
            *("HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds"),
            *("HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher"),
        ),
    ),
}
"""Type -> where MiniStack keeps its record, and the properties whose names and shapes are the template's."""

_ATTRIBUTES = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("LoadBalancerAttributes", "_lb_attrs"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("TargetGroupAttributes", "_tg_attrs"),
}
_SERVICE = ("DesiredCount", "TaskDefinition", "HealthCheckGracePeriodSeconds", "EnableExecuteCommand")


def register(registry: Registry) -> None:
    """Add readers to MiniStack's."""
    readers: dict[str, tuple[Read, frozenset[str]]] = registry.store("cloudformation.drift", "_DRIFT_READERS")
    for type_, place in _EXIST.items():
        readers[type_] = (_existence(registry.store(*place)), frozenset())
    for type_, (service, name, properties) in _RECORDS.items():
        attributes, kept = _ATTRIBUTES.get(type_, ("", ""))
        read = _record(registry.store(service, name), properties)
        if attributes:
            read = _with_attributes(read, attributes, registry.store(service, kept))
        readers[type_] = (read, frozenset({*properties, *filter(None, [attributes])}))
    readers["AWS::EC2::SecurityGroup"] = (
        _security_group(registry.store("ec2", "_security_groups")),
        frozenset({"GroupDescription", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress"}),
    )
    readers["AWS::ECS::Service"] = (_service(registry), frozenset(_SERVICE))


def like(actual: Any, template: Any) -> Any:
    """What is there, without what the template does not set."""
    if isinstance(actual, dict) and isinstance(template, dict):
        return {key: like(actual[key], template[key]) for key in template if key in actual}
    if isinstance(actual, list) and isinstance(template, list) and template:
        shapes = [*template, *[template[-1]] * len(actual)]
        return [like(item, shape) for item, shape in zip(actual, shapes, strict=False)]
    if isinstance(actual, float) and actual.is_integer():
        return int(actual)
    return actual


def _existence(store: Mapping[str, Any]) -> Read:
    return lambda physical_id, _: {} if physical_id in store else None


def _record(store: Mapping[str, Any], properties: tuple[str, ...]) -> Read:
    def read(physical_id: str, template: Properties) -> Properties | None:
        record = store.get(physical_id)
        if record is None:
            return None
        return {
            key: like(record[key], template[key]) for key in properties if key in template and key in record
        }

    return read


def _with_attributes(read_record: Read, name: str, store: Mapping[str, Any]) -> Read:
    """Attributes are a list of keys and values, of which a template sets some."""

    def read(physical_id: str, template: Properties) -> Properties | None:
        found = read_record(physical_id, template)
        if found is None or name not in template:
            return found
        live = {one["Key"]: one["Value"] for one in store.get(physical_id) or []}
        keys = [one["Key"] for one in template[name]]
        return {**found, name: [{"Key": key, "Value": live[key]} for key in keys if key in live]}

    return read


def _security_group(store: Mapping[str, Any]) -> Read:
    def read(physical_id: str, _: Properties) -> Properties | None:
        record = store.get(physical_id)
        if record is None:
            return None
        return {
            "GroupDescription": record["Description"],
            "VpcId": record["VpcId"],
            "SecurityGroupIngress": rules_of(record.get("IpPermissions", []), "Source"),
            "SecurityGroupEgress": rules_of(record.get("IpPermissionsEgress", []), "Destination"),
        }

    return read


def _service(registry: Registry) -> Read:
    def read(physical_id: str, _: Properties) -> Properties | None:
        request = {"cluster": physical_id.split("/")[1], "services": [physical_id]}
        answer = registry.shipped_operation("ecs", "DescribeServices")(request)
        services = json.loads(answer[2]).get("services", [])
        if not services or services[0]["status"] == "INACTIVE":
            return None
        live: dict[str, Any] = services[0]
        names = {key: key[0].lower() + key[1:] for key in _SERVICE}
        return {key: live[name] for key, name in names.items() if name in live}

    return read
