"""Every property of the resource types of the local AWS is acted on, refused, or listed on the page."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local_aws.cloudformation.supported_properties import (
    FILE,
    OPERATIONS,
    Support,
    refusal,
    refuse_request,
    refuse_resource,
    row_for,
    supported,
)
from local_aws.emulator import internals
from local_aws.emulator.cloudformation import ResourceOperation
from local_aws.emulator.registry import RESOURCE_TYPES, RefusedError, Registry
from local_aws.emulator.request import Request
from local_aws.rds.pending import WAITS
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "local-aws.md"
TYPES = sorted(name for name, rows in supported().items() if rows)
TASK, SERVICE = "AWS::ECS::TaskDefinition", "AWS::ECS::Service"
# Properties whose names users choose: a row may go further than the schema.
OPEN = ("Attributes", ".Options")
# Where the behaviour of a type is. A property that is acted on is named there, in whatever case.
SOURCES = {"ECS": "ecs", "ElasticLoadBalancingV2": "elb", "RDS": "rds", "CloudWatch": "cloudwatch"}
# MiniStack acts on these, for it finds and describes a resource by them. Another nonce makes an update.
MINISTACKS = {
    "AWS::CloudWatch::Alarm": {"AlarmName"},
    "AWS::ECS::Cluster": {"ClusterName"},
    "AWS::ECS::Service": {"ForceNewDeployment.ForceNewDeploymentNonce"},
    "AWS::RDS::DBSubnetGroup": {"DBSubnetGroupDescription", "SubnetIds"},
}

# Recorded properties whose names stand in the code for another reason: something else has the name, too, or
# the field is kept and shown, and waits for the maintenance window with RDS.
RECORDED = {
    "AWS::ECS::Cluster": {
        "ClusterSettings.Name",
        "ClusterSettings.Value",
        "DefaultCapacityProviderStrategy.Weight",
    },
    "AWS::ECS::Service": {
        "AvailabilityZoneRebalancing",
        "CapacityProviderStrategy.Weight",
        "DeploymentConfiguration.Alarms.Rollback",
        "EnableECSManagedTags",
        "PropagateTags",
    },
    "AWS::ECS::TaskDefinition": {
        "ContainerDefinitions.Cpu",
        "ContainerDefinitions.LogConfiguration.Options.mode",
        "ContainerDefinitions.PortMappings.Name",
        "TaskRoleArn",
    },
    "AWS::ElasticLoadBalancingV2::Listener": {"DefaultActions.Order"},
    "AWS::ElasticLoadBalancingV2::ListenerRule": {"Actions.Order"},
    "AWS::RDS::DBInstance": {"KmsKeyId", *WAITS},
}


def properties_of(
    schema: Mapping[str, Any], node: Any, path: str = "", within: tuple[str, ...] = ()
) -> Iterator[str]:
    """The paths of all properties that a template may set and that hold values, in a resource schema."""
    while "$ref" in node or "items" in node:
        if "items" in node:
            node = node["items"]
            continue
        name = node["$ref"].rpartition("/")[2]
        if name in within:
            return
        node, within = schema["definitions"][name], (*within, name)
    inner = node.get("properties") or {}
    if not inner or path == "Tags" or path.endswith("Attributes"):
        yield path
        return
    for name, one in inner.items():
        below = f"{path}.{name}" if path else name
        if f"/properties/{below.replace('.', '/')}" not in (schema.get("readOnlyProperties") or []):
            yield from properties_of(schema, one, below, within)


def last_name(path: str) -> str:
    """The name of a property, without those above it; an attribute's name is its whole key."""
    return (
        re.split(r"Attributes\.|Options\.", path)[-1]
        if re.search(r"(Attributes|Options)\.", path)
        else (path.rpartition(".")[2])
    )


def in_schema(resource_type: str) -> list[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return list(properties_of(schema, schema))


def stale(row: Support, known: list[str]) -> bool:
    """Whether the row names nothing in the schema."""
    exact = row.path in known
    above = any(one.startswith(f"{row.path}.") for one in known)
    below = any(row.path.startswith(f"{one}.") for one in known if one.endswith(OPEN))
    return not (exact or below or (above and row.kind == "refused"))


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_property_of_the_schema_has_a_row_and_every_row_a_property(resource_type: str) -> None:
    rows, known = supported()[resource_type], in_schema(resource_type)

    assert [] == [one for one in known if row_for(rows, one) is None and not one.endswith(OPEN)]
    assert [] == [row.path for row in rows.values() if stale(row, known)]


def test_a_property_that_is_new_or_gone_is_found() -> None:
    rows, known = supported()[TASK], [one for one in in_schema(TASK) if not one.startswith("Volumes.Host")]

    assert row_for(rows, "ContainerDefinitions.Newest") is None
    assert row_for(rows, "ContainerDefinitions.HealthCheck.Newest") is None
    assert stale(rows["volumes.host"], known)
    assert not stale(rows["volumes.name"], known)


def test_every_resource_type_of_these_services_has_its_lists_or_is_refused(registry: Registry) -> None:
    made = {name for name in internals.get(*RESOURCE_TYPES) if name.split("::")[1] in SOURCES}

    assert made == set(supported())
    for refused in made - set(TYPES):
        words = refusal(refused, {})
        assert words == f"the local AWS does not do {refused}; see docs/local-aws.md"
    assert refusal("AWS::S3::Bucket", {"BucketName": "another service's"}) is None


def test_no_property_stands_in_two_lists() -> None:
    whole = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for resource_type in TYPES:
        lists = whole[resource_type]
        written = [*lists["acted"].split(), *lists["recorded"].split(), *lists["refused"]]

        assert len(written) == len(supported()[resource_type]), resource_type


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_is_acted_on_is_named_in_the_code(resource_type: str) -> None:
    folders = [
        ROOT / "local_aws" / name for name in (SOURCES[resource_type.split("::")[1]], "cloudformation")
    ]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files).lower()
    acted = [row.path for row in supported()[resource_type].values() if row.kind == "acted"]
    names = {path: last_name(path).lower() for path in acted}

    missing = {path for path, name in names.items() if not re.search(rf"\b{re.escape(name)}\b", code)}
    assert missing - {"Tags"} == MINISTACKS.get(resource_type, set())


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_is_recorded_only_is_not_read_by_the_code(resource_type: str) -> None:
    folder = ROOT / "local_aws" / SOURCES[resource_type.split("::")[1]]
    code = "".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    recorded = [row.path for row in supported()[resource_type].values() if row.kind == "recorded"]
    names = {path: last_name(path) for path in recorded}

    assert RECORDED.get(resource_type, set()) == {
        path
        for path, name in names.items()
        if re.search(rf"""["']{name[0]}(?-i:{name[1:]})["']""", code, re.I)
    }


def test_the_page_lists_what_is_recorded_only() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Properties without effect")[2].partition("\n## ")[0]
    listed: dict[str, set[str]] = {}
    for line in page.splitlines():
        if line.startswith("| AWS::"):
            name, properties, _ = line.strip("| ").split(" | ")
            listed.setdefault(name, set()).update(re.findall(r"`([^`]+)`", properties))

    assert listed == {
        name: recorded
        for name, rows in supported().items()
        if (recorded := {row.path for row in rows.values() if row.kind == "recorded"})
    }


@pytest.mark.parametrize(
    ("resource_type", "properties", "told"),
    [
        (
            TASK,
            {"ContainerDefinitions": [{"Privileged": True}]},
            "ContainerDefinitions.Privileged true, only false",
        ),
        (TASK, {"ContainerDefinitions": [{}, {"Links": ["a"]}]}, "ContainerDefinitions.Links"),
        (TASK, {"NetworkMode": "bridge"}, "NetworkMode bridge, only awsvpc"),
        (
            TASK,
            {"Volumes": [{"EFSVolumeConfiguration": {"FilesystemId": "fs"}}]},
            "Volumes.EFSVolumeConfiguration",
        ),
        (TASK, {"containerDefinitions": [{"links": ["a"]}]}, "ContainerDefinitions.Links"),
        (
            TASK,
            {"ContainerDefinitions": [{"LogConfiguration": {"Options": {"awslogs-create-group": "true"}}}]},
            "ContainerDefinitions.LogConfiguration.Options.awslogs-create-group",
        ),
        (
            SERVICE,
            {"ServiceConnectConfiguration": {"Enabled": True}},
            "ServiceConnectConfiguration.Enabled true",
        ),
        (SERVICE, {"LaunchType": "EC2"}, "LaunchType EC2, only FARGATE"),
        (
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {"TargetGroupAttributes": [{"Key": "stickiness.enabled", "Value": "true"}]},
            "TargetGroupAttributes.stickiness.enabled true, only false",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"LoadBalancerAttributes": [{"Key": "access_logs.s3.bucket", "Value": "b"}]},
            "LoadBalancerAttributes.access_logs.s3.bucket",
        ),
        ("AWS::RDS::DBInstance", {"DBSnapshotIdentifier": "s"}, "DBSnapshotIdentifier"),
        ("AWS::CloudWatch::Alarm", {"Metrics": [{"Id": "m"}]}, "Metrics"),
    ],
)
def test_what_the_local_aws_does_not_do_is_refused_by_name(
    resource_type: str, properties: dict[str, Any], told: str
) -> None:
    words = refusal(resource_type, properties)

    assert words is not None
    assert words.startswith(f"the local AWS does not do {told}")
    assert f" of {resource_type}; " in words


@pytest.mark.parametrize(
    "properties",
    [
        {"ContainerDefinitions": [{"Privileged": False, "Links": [], "DnsServers": None}]},
        {"ContainerDefinitions": [{"Privileged": "false", "DockerLabels": {"Links": "mine"}}]},
        {"Volumes": [{"Name": "scratch", "Host": {}}]},
        {"NotInTheSchema": "the schema's matter"},
    ],
)
def test_what_changes_nothing_is_taken(properties: dict[str, Any]) -> None:
    assert refusal(TASK, properties) is None


def test_a_resource_is_refused_when_it_is_created_or_changed_and_not_when_it_is_deleted() -> None:
    def operate(kind: Any, before: Any = None) -> None:
        refuse_resource(ResourceOperation(kind, SERVICE, "Service", "stack", {"LaunchType": "EC2"}, before))

    operate("delete")
    operate("update", {"LaunchType": "EC2"})
    for kind, before in (("create", None), ("update", {"LaunchType": "FARGATE"})):
        with pytest.raises(ValueError, match=r"^the local AWS does not do LaunchType EC2"):
            operate(kind, before)


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("ecs:RegisterTaskDefinition", {"networkMode": "host"}, "InvalidParameterException"),
        ("ecs:CreateService", {"placementStrategy": [{"type": "spread"}]}, "InvalidParameterException"),
        ("ecs:RunTask", {"launchType": "EC2"}, "InvalidParameterException"),
        ("elasticloadbalancing:CreateTargetGroup", {"TargetType": "lambda"}, "ValidationError"),
        (
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            {"Attributes.member.1.Key": "stickiness.enabled", "Attributes.member.1.Value": "true"},
            "ValidationError",
        ),
        (
            "elasticloadbalancing:CreateRule",
            {"Actions.member.1.Type": "authenticate-oidc", "Actions.member.1.Order": "1"},
            "ValidationError",
        ),
        ("rds:CreateDBInstance", {"ManageMasterUserPassword": "true"}, "InvalidParameterValue"),
        ("rds:CreateDBCluster", {"Engine": "aurora-mysql"}, "InvalidParameterValue"),
        ("cloudwatch:PutMetricAlarm", {"ExtendedStatistic": "p99"}, "ValidationError"),
    ],
)
def test_an_operation_is_refused_as_a_template_is(action: str, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError, match=r"^the local AWS does not do ") as refused:
        refuse_request(request(action, parameters))

    assert code == refused.value.code


def test_every_operation_takes_what_the_local_aws_does() -> None:
    for action, (resource_type, _) in OPERATIONS.items():
        if resource_type in TYPES:
            refuse_request(request(action, {}))
    refuse_request(request("ecs:UpdateService", {"forceNewDeployment": True, "desiredCount": 2}))
    refuse_request(request("ecs:DeleteCluster", {"networkMode": "host"}))
    # The SDK sends a document to CloudWatch, and its lists may be empty.
    alarm = {"OKActions": [], "Dimensions": [{"Name": "LoadBalancer", "Value": "app/x"}], "Threshold": 1.0}
    refuse_request(request("cloudwatch:PutMetricAlarm", alarm))


def request(action: str, parameters: dict[str, Any]) -> Request:
    service = action.partition(":")[0]
    return Request(service, action, parameters, "*", "eu-west-1", "000000000000", "test", {})
