"""Drift detection for the resource types of the templates: readers of what exists, in the template's shape.

MiniStack runs DetectStackDrift, compares, and has readers for some resource types. These readers are for more
types; a type without a reader is NOT_CHECKED. As at AWS, only the properties in the template are compared.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local_aws.cloudformation.security_group_rules import rules_of
from local_aws.elb.records import LISTENER, LOAD_BALANCER, RULE, TARGET_GROUP
from local_aws.emulator.cloudformation import Properties, ReadDrift, read_drift
from local_aws.emulator.records import Record
from local_aws.emulator.registry import Registry

_EXIST = (
    "AWS::EC2::InternetGateway",
    "AWS::EC2::RouteTable",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::ECS::Cluster",
)
"""Drift detection checks only whether these resources exist."""

_RECORDS = {
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::EC2::Subnet": ("CidrBlock", "VpcId", "AvailabilityZone", "MapPublicIpOnLaunch"),
    "AWS::RDS::DBInstance": (
        *("DBInstanceClass", "AllocatedStorage", "BackupRetentionPeriod", "DeletionProtection", "MultiAZ"),
    ),
    "AWS::CloudWatch::Alarm": (
        *("AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period"),
        *("EvaluationPeriods", "ComparisonOperator", "Threshold", "TreatMissingData", "ActionsEnabled"),
    ),
    LOAD_BALANCER: ("Scheme", "Type", "Subnets", "SecurityGroups", "IpAddressType"),
    LISTENER: ("Port", "Protocol", "DefaultActions"),
    RULE: ("ListenerArn", "Priority", "Conditions", "Actions"),
    TARGET_GROUP: (
        *("TargetType", "VpcId", "Protocol", "Port", "HealthCheckProtocol", "HealthCheckPort"),
        *("HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds"),
        *("HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher"),
    ),
}
"""The properties that have the same name and shape in the resource's record and in the template."""

_ATTRIBUTES = {LOAD_BALANCER: "LoadBalancerAttributes", TARGET_GROUP: "TargetGroupAttributes"}
_SERVICE = ("DesiredCount", "TaskDefinition", "HealthCheckGracePeriodSeconds", "EnableExecuteCommand")


def register(registry: Registry) -> None:
    """Register a reader for each resource type."""
    for type_ in _EXIST:
        read_drift(type_, _reader(registry.records(type_), lambda *_: {}))
    for type_, properties in _RECORDS.items():
        read = _reader(registry.records(type_), partial(_same_in_both, properties))
        if attributes := _ATTRIBUTES.get(type_):
            read = _with_attributes(read, attributes, registry.attributes(type_))
            properties = (*properties, attributes)
        read_drift(type_, read, properties)
    read_drift(
        "AWS::EC2::SecurityGroup",
        _reader(registry.records("AWS::EC2::SecurityGroup"), _security_group),
        ("GroupDescription", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress"),
    )
    read_drift("AWS::ECS::Service", _service(registry), _SERVICE)


def like(actual: Any, template: Any) -> Any:
    """The actual value, without the parts that the template does not set."""
    if isinstance(actual, dict) and isinstance(template, dict):
        return {key: like(actual[key], template[key]) for key in template if key in actual}
    if isinstance(actual, list) and isinstance(template, list) and template:
        shapes = [*template, *[template[-1]] * len(actual)]
        return [like(item, shape) for item, shape in zip(actual, shapes, strict=False)]
    if isinstance(actual, float) and actual.is_integer():
        return int(actual)
    return actual


def _reader(store: Mapping[str, Any], read: Callable[[Record, Properties], Properties]) -> ReadDrift:
    """Let `read` turn the record of a resource into the template's shape. Without a record, it is deleted."""

    def look(physical_id: str, template: Properties) -> Properties | None:
        record = store.get(physical_id)
        return None if record is None else read(record, template)

    return look


def _same_in_both(properties: tuple[str, ...], record: Record, template: Properties) -> Properties:
    named = [key for key in properties if key in template and key in record]
    return {key: like(record[key], template[key]) for key in named}


def _with_attributes(read_record: ReadDrift, name: str, store: Mapping[str, Any]) -> ReadDrift:
    """Add to a reader the attributes that the template sets."""

    def read(physical_id: str, template: Properties) -> Properties | None:
        found = read_record(physical_id, template)
        if found is None or name not in template:
            return found
        live = {one["Key"]: one["Value"] for one in store.get(physical_id) or []}
        keys = [one["Key"] for one in template[name]]
        return {**found, name: [{"Key": key, "Value": live[key]} for key in keys if key in live]}

    return read


def _security_group(record: Record, _: Properties) -> Properties:
    return {
        "GroupDescription": record["Description"],
        "VpcId": record["VpcId"],
        "SecurityGroupIngress": rules_of(record.get("IpPermissions", []), "Source"),
        "SecurityGroupEgress": rules_of(record.get("IpPermissionsEgress", []), "Destination"),
    }


def _service(registry: Registry) -> ReadDrift:
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
