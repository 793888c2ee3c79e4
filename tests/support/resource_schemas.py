"""Writes pipeline/refusals/schemas.json from cfn-lint: `python -m tests.support.resource_schemas`.

cfn-lint ships CloudFormation's resource schemas with corrections of its own, and further schemas for what AWS
documents in prose. A deploy reads the extract, because cfn-lint brings 150 MB and takes a second to import.
"""

import json
import re
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support.repository import ROOT

FILE = ROOT / "pipeline/refusals/schemas.json"
TYPES = [
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudFormation::Stack",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::EC2::EIP",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECR::Repository",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
]
SECTIONS = {
    "additionalProperties",
    "allOf",
    "anyOf",
    "createOnlyProperties",
    "definitions",
    "dependentExcluded",
    "dependentRequired",
    "oneOf",
    "primaryIdentifier",
    "properties",
    "readOnlyProperties",
    "required",
    "requiredOr",
    "requiredXor",
}
TEXTS = {"$comment", "description", "examples", "insertionOrder", "relationshipRef", "title", "default"}
# Further schemas: type -> path inside the schema ("" is the root) -> cfn-lint's files.
EXTENSIONS = {
    "AWS::CloudWatch::Alarm": {"": ["aws_cloudwatch_alarm/period"]},
    "AWS::EC2::SecurityGroup": {
        "definitions/Ingress": ["aws_ec2_securitygroup/protocols_and_port_ranges_include"],
        "definitions/Egress": ["aws_ec2_securitygroup/protocols_and_port_ranges_include"],
    },
    "AWS::EC2::SecurityGroupEgress": {"": ["aws_ec2_securitygroup/protocols_and_port_ranges_include"]},
    "AWS::EC2::SecurityGroupIngress": {"": ["aws_ec2_securitygroup/protocols_and_port_ranges_include"]},
    "AWS::ECS::Service": {"": ["aws_ecs_service/fargate"]},
    "AWS::ECS::TaskDefinition": {
        "": ["aws_ecs_taskdefinition/fargate_properties"],
        "definitions/LogConfiguration": ["aws_ecs_taskdefinition/logging_configuration"],
        "properties/ContainerDefinitions": ["aws_ecs_taskdefinition/containerdefinitions_essential"],
    },
    "AWS::ElasticLoadBalancingV2::Listener": {"": ["aws_elasticloadbalancingv2_listener/certificate"]},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "": ["aws_elasticloadbalancingv2_loadbalancer/application_subnets"]
    },
    "AWS::ElasticLoadBalancingV2::TargetGroup": {
        "": [
            f"aws_elasticloadbalancingv2_targetgroup/{name}_restrictions"
            for name in ("healthcheckprotocol", "protocol", "targettype")
        ]
    },
    "AWS::RDS::DBInstance": {
        "": ["aws_rds_dbinstance/backupretentionperiod_maximum", "aws_rds_dbinstance/kmskey_storageencrypted"]
    },
}
ENGINES = ("mariadb", "mysql")


def extract() -> dict[str, Any]:
    """The schema of each type, and RDS's engine versions and instance classes."""
    return {
        "source": f"cfn-lint {version('cfn-lint')}",
        "rds_engine_versions": _engine_versions(),
        "rds_instance_classes": _instance_classes(),
        "schemas": {name: _schema(name) for name in TYPES},
    }


def text() -> str:
    """The file's text: one line for each resource type, so that a difference names the type."""
    found = extract()
    parts = []
    for section, value in found.items():
        if isinstance(value, str):
            parts.append(f"{json.dumps(section)}: {json.dumps(value)}")
            continue
        lines = [f"{json.dumps(key)}: {json.dumps(one, separators=(',', ':'))}" for key, one in value.items()]
        parts.append(f"{json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _schema(name: str) -> dict[str, Any]:
    full = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
    schema = _lean({key: value for key, value in full.items() if key in SECTIONS})
    for path, files in EXTENSIONS.get(name, {}).items():
        place = schema
        for step in path.split("/") if path else ():
            place = place[step]
        place.setdefault("allOf", []).extend(_lean(_extension(file)) for file in files)
    return schema


def _lean(value: Any, names: bool = False) -> Any:
    """Without the texts, and with patterns that Python knows.

    names: whether the keys are the names of properties.
    """
    if isinstance(value, list):
        return [_lean(one) for one in value]
    if not isinstance(value, dict):
        return value
    lean = {
        key: _lean(one, not names and key in ("properties", "definitions", "patternProperties"))
        for key, one in value.items()
        if names or key not in TEXTS
    }
    if not names and "pattern" in lean:
        lean["pattern"] = _pattern(lean["pattern"])
    if not names and "patternProperties" in lean:
        lean["patternProperties"] = {_pattern(k): one for k, one in lean["patternProperties"].items()}
    return lean


def _pattern(java: str) -> str:
    """A pattern for Python, with \\w for all letters; one that Python does not know matches anything."""
    pattern = java
    for letters, python in (("L", r"\w"), ("N", r"\d"), ("Z", r"\s")):
        pattern = pattern.replace(rf"\p{{{letters}}}", python)
    try:
        re.compile(pattern)
    except re.error:
        return ""
    return pattern


def _extension(name: str) -> Any:
    folder, _, file = name.partition("/")
    found = resources.files(f"cfnlint.data.schemas.extensions.{folder}").joinpath(f"{file}.json")
    return json.loads(found.read_text(encoding="utf-8"))


@cache
def _cases(file: str) -> Any:
    return _extension(f"aws_rds_dbinstance/{file}")


def _engine_versions() -> dict[str, list[str]]:
    found = {}
    for case in _cases("engine_version")["allOf"]:
        engine = case["if"]["properties"]["Engine"].get("const")
        if engine in ENGINES:
            found[engine] = case["then"]["properties"]["EngineVersion"]["enum"]
    return found


def _instance_classes() -> dict[str, dict[str, str]]:
    """Engine -> regions -> the classes that all regions but these offer; each a list with blanks between."""
    offered: dict[str, dict[str, set[str]]] = {engine: {} for engine in ENGINES}
    regions = _cases("dbinstanceclass_enum")
    for region, schema in regions.items():
        for case in schema["allOf"]:
            engine = case["if"]["properties"]["Engine"].get("const")
            if engine in ENGINES:
                for name in case["then"]["properties"]["DBInstanceClass"]["enum"]:
                    offered[engine].setdefault(name, set()).add(region)
    found: dict[str, dict[str, str]] = {engine: {} for engine in ENGINES}
    for engine, classes in offered.items():
        for name, places in sorted(classes.items()):
            lacking = " ".join(sorted(set(regions) - places))
            found[engine][lacking] = f"{found[engine].get(lacking, '')} {name}".strip()
    return found


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
