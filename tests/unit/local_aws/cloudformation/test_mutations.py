"""Mistakes that AWS refuses, made one at a time in the templates of infra/, are refused here by name.

The stacks run in the local AWS's CloudFormation. Only what would start a container is replaced: a service and
a DB instance end with their refusals.
"""

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import yaml

from local_aws.access import web_identity
from local_aws.cloudformation import property_refusals, references, stack_refusals
from local_aws.ecs.api import deployment_refusals, task_definitions
from local_aws.ecs.api.requests import request_from
from local_aws.emulator import internals
from local_aws.emulator.registry import Attributes, Properties, Registry
from local_aws.rds.refusals import refuse_instance
from local_aws.shapes import DeploymentConfiguration
from tests.support.repository import ROOT
from tests.unit.templates.reading import NAMES, read

MUTATIONS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("mutations.yaml").read_text(encoding="utf-8")
)
REFUSED = [one for one in MUTATIONS if "says" in one]
NOT_REFUSED = [one for one in MUTATIONS if "not_refused" in one]
NUMBERS = itertools.count()
PAGE = ROOT / "docs/local-aws.md"
REGION = "eu-west-1"
IMAGE = f"000000000000.dkr.ecr.eu-west-1.amazonaws.com/orders@sha256:{'0' * 64}"
PARAMETERS = {
    "EnvironmentName": "dev",
    "ServiceName": "orders",
    "VpcId": "vpc-1",
    "VpcCidrBlock": "10.0.0.0/16",
    "PublicSubnetIds": "subnet-1,subnet-2",
    "PrivateSubnetIds": "subnet-1,subnet-2",
    "ClusterName": "orders-dev",
    "DatabaseClientSecurityGroupId": "sg-1",
    "DatabaseParameterPath": "/orders/dev/database",
    "RepositoryArn": "arn:aws:ecr:eu-west-1:000000000000:repository/orders",
    "ImageUri": IMAGE,
    "DatabaseRetention": "Delete",
    "Repository": "owner/repository",
    "Region": REGION,
    "ProviderArn": "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com",
    "BoundaryArn": "arn:aws:iam::000000000000:policy/orders-boundary",
}


@pytest.fixture(autouse=True)
def registered(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the local AWS registers; every SSM parameter has a value."""
    internals.get("ssm", "_parameters").clear()
    monkeypatch.setattr("ministack.services.ssm.resolve_parameter_value", lambda *_, **__: "a-test-value")
    for module in (references, property_refusals, stack_refusals, task_definitions, web_identity):
        module.register(registry)
    registry.resource_type(
        "AWS::ECS::Service", create=make_service, update=lambda *_: ("", {}), delete=lambda *_: None
    )

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        refuse_instance(registry, properties)
        return "database", {"Endpoint.Address": "database.local", "Endpoint.Port": "3306"}

    def update(
        identifier: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> tuple[str, Attributes]:
        return create(logical_id, new, stack)

    registry.resource_type("AWS::RDS::DBInstance", create=create, update=update, delete=lambda *_: None)


def make_service(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    request = request_from(properties, "CreateService")
    configuration = cast(DeploymentConfiguration, request.get("deploymentConfiguration") or {})
    words = deployment_refusals.refusal(configuration, request.get("loadBalancers") or [])
    if words is not None:
        raise ValueError(words)
    return "arn:aws:ecs:eu-west-1:000000000000:service/orders-dev/orders", {"Name": "orders"}


def put(template: Any, mutation: Mapping[str, Any]) -> None:
    if "at" not in mutation:
        return
    *way, last = (int(step) if step.isdigit() else step for step in mutation["at"].split("."))
    for step in way:
        template = template[step]
    if "rules" in mutation:
        rule = {"IpProtocol": "tcp", "SourceSecurityGroupId": "sg-1"}
        ports = range(1, mutation["rules"] + 1)
        template[last] = [{**rule, "FromPort": port, "ToPort": port} for port in ports]
    elif "merge" in mutation:
        template[last].update(mutation["merge"])
    elif "put" not in mutation:
        del template[last]
    elif isinstance(template, list) and last == len(template):
        template.append(mutation["put"])
    else:
        template[last] = mutation["put"]


class Account:
    """A region of the local AWS with a VPC, two subnets, a security group and the secrets."""

    def __init__(self, registry: Registry, region: str) -> None:
        self._registry, self._region = registry, region

    def refusal(self, name: str, template: Mapping[str, Any], given: Mapping[str, str]) -> str:
        """Create or update a stack; what is refused, empty when nothing is."""
        with self._registry.scope(self._region):
            self._furnish()
            return asyncio.run(self._deploy(name, template, given))

    def _furnish(self) -> None:
        records = self._registry.records
        records("AWS::EC2::VPC")["vpc-1"] = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}
        for name in ("subnet-1", "subnet-2"):
            records("AWS::EC2::Subnet")[name] = {"SubnetId": name, "VpcId": "vpc-1", "CidrBlock": ""}
        records("AWS::EC2::SecurityGroup")["sg-1"] = {"GroupId": "sg-1", "VpcId": "vpc-1"}

    async def _deploy(self, name: str, template: Mapping[str, Any], given: Mapping[str, str]) -> str:
        stacks = self._registry.records("AWS::CloudFormation::Stack")
        operation = "UpdateStack" if name in stacks else "CreateStack"
        request = {
            "StackName": name,
            "TemplateBody": json.dumps(template),
            "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
            "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND",
            "Tags.member.1.Key": "service",
            "Tags.member.1.Value": "orders",
        }
        parameters = template.get("Parameters", {})
        known = {key: "given" for key, rules in parameters.items() if "Default" not in rules}
        known |= {key: value for key, value in given.items() if key in parameters}
        for number, (key, value) in enumerate(known.items(), 1):
            request[f"Parameters.member.{number}.ParameterKey"] = key
            request[f"Parameters.member.{number}.ParameterValue"] = value
        status, _, body = self._registry.shipped_operation("cloudformation", operation)(
            {key: [value] for key, value in request.items()}
        )
        if status != 200:
            return body.decode()
        while stacks[name]["StackStatus"].endswith("IN_PROGRESS"):
            await asyncio.sleep(0)
        answer = self._registry.shipped_operation("cloudformation", "DescribeStackEvents")(
            {"StackName": [name]}
        )[2]
        events = [
            {part.tag.rpartition("}")[2]: part.text or "" for part in event}
            for event in ElementTree.fromstring(answer).iter()  # noqa: S314 - MiniStack's own answer
            if event.tag.endswith("}member")
        ]
        failed = [one for one in events if one.get("ResourceStatus", "").endswith("_FAILED")]
        return "\n".join(one.get("ResourceStatusReason", "") for one in failed)


def outcome(registry: Registry, mutation: Mapping[str, Any]) -> str:
    account = Account(registry, mutation.get("region", REGION))
    template = read(mutation["in"])
    name = f"orders-{next(NUMBERS)}"
    if "before" in mutation:
        assert "" == account.refusal(name, template, PARAMETERS | mutation["before"])
    put(template, mutation)
    return account.refusal(name, template, PARAMETERS | mutation.get("parameters", {}))


@pytest.mark.parametrize("mutation", [pytest.param(one, id=one["mistake"]) for one in REFUSED])
def test_a_mistake_is_refused_by_name(registry: Registry, mutation: dict[str, Any]) -> None:
    assert mutation["says"] in outcome(registry, mutation)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "microservice"])
def test_a_template_without_a_mistake_is_not_refused(registry: Registry, name: str) -> None:
    assert "" == outcome(registry, {"in": name})


def test_a_resource_that_aws_takes_by_now_is_not_refused(registry: Registry) -> None:
    excuse = {"Slipway": {"AwsTakes": "db.t9 since 2027"}}
    merged = {"in": "rds-database", "at": "Resources.Database.Metadata", "put": excuse}

    assert "" == outcome(registry, {**merged, "parameters": {"DatabaseInstanceClass": "db.t9.micro"}})


def test_a_template_with_a_yaml_alias_is_refused(registry: Registry) -> None:
    body = "Resources:\n  A: &topic {Type: 'AWS::SNS::Topic'}\n  B: *topic\n"
    create = registry.shipped_operation("cloudformation", "CreateStack")

    with registry.scope(REGION):
        status, _, answer = create({"StackName": ["with-an-alias"], "TemplateBody": [body]})

    words = b"Template format error: YAML aliases are not allowed in CloudFormation templates (line 3)"
    assert 400 == status
    assert words in answer


@pytest.mark.parametrize("mutation", [pytest.param(one, id=one["mistake"]) for one in NOT_REFUSED])
def test_a_mistake_that_is_taken_is_listed_with_its_reason(
    registry: Registry, mutation: dict[str, Any]
) -> None:
    assert f"| {mutation['mistake']} | {mutation['not_refused']} |" in PAGE.read_text(encoding="utf-8")
    assert "" == outcome(registry, mutation)


def test_the_page_says_how_many_mistakes_are_refused() -> None:
    refused = len(REFUSED) + 1  # the YAML alias, which no parsed template can hold

    assert f"{refused} of {refused + len(NOT_REFUSED)} mistakes" in PAGE.read_text(encoding="utf-8")


def test_every_mistake_names_where_aws_refuses_it() -> None:
    sources = [one["source"] for one in MUTATIONS]

    assert [] == [one for one in sources if not one.startswith(("https://docs.aws.amazon.com/", "schema: "))]
    assert len(MUTATIONS) == len({one["mistake"] for one in MUTATIONS})
