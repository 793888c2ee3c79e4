"""What AWS would refuse is said before a deploy, with the values that are known then."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import TemplateError
from pipeline.graph import refused, template
from pipeline.graph.graph import StackNode
from tests.support.repository import ROOT

# What the outputs of other stacks fill, so that a deploy does not know it beforehand.
WIRED = {
    "ClusterName",
    "DatabaseClientSecurityGroupId",
    "DatabaseEndpoint",
    "DatabaseParameterPath",
    "ImageUri",
    "PrivateSubnetIds",
    "PublicSubnetIds",
    "RepositoryArn",
    "VpcCidrBlock",
    "VpcId",
}
OWN = {"EnvironmentName": "dev", "ServiceName": "orders"}
ROLE = "arn:aws:ssm:eu-west-1:000000000000:parameter"


def node(body: str, **given: str) -> StackNode:
    parsed = template.parse("app", "infra/app.yaml", body)
    defaults = {name: one.default for name, one in parsed.parameters.items() if one.default is not None}
    return StackNode("app", defaults | given, {}, parsed)


def faults(one: StackNode, region: str = "eu-west-1") -> list[str]:
    return [
        f"{name}: {words}" for name, words in refused.faults(one.template, one.given, region, "000000000000")
    ]


def resource(kind: str, properties: str, head: str = "") -> str:
    return f"{head}Resources:\n  A:\n    Type: {kind}\n    Properties: {properties}\n"


def test_a_fault_names_file_line_and_aws_words_and_all_are_told_at_once() -> None:
    body = resource("AWS::EC2::VPC", "{CidrBlock: 10.0.0.0/8, Colour: red}")

    with pytest.raises(TemplateError) as error:
        refused.must_be_taken([node(body)], "eu-west-1", "000000000000")

    assert "infra/app.yaml:2: A: #: extraneous key [Colour] is not permitted" == error.value.why
    assert ["infra/app.yaml:2: A: The CIDR '10.0.0.0/8' is invalid."] == [
        words.partition(" (")[0] for words in error.value.details
    ]


def test_what_a_parameter_and_a_condition_say_is_judged() -> None:
    head = (
        "Parameters: {Block: {Type: String, Default: 10.0.0.0/16}, Big: {Type: String, Default: 'no'}}\n"
        "Conditions: {IsBig: !Equals [!Ref Big, 'yes']}\n"
    )
    body = resource("AWS::EC2::VPC", "{CidrBlock: !If [IsBig, 10.0.0.0/8, !Ref Block]}", head)

    assert [] == faults(node(body))
    assert 1 == len(faults(node(body, Big="yes")))
    assert 1 == len(faults(node(body, Block="10.0.0.0/99")))


def test_an_unknown_value_is_left_to_aws() -> None:
    head = "Parameters: {Block: {Type: String}}\n"

    assert [] == faults(node(resource("AWS::EC2::VPC", "{CidrBlock: !Ref Block}", head)))


def test_subnets_are_judged_beside_each_other() -> None:
    body = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  One:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [10.0.0.0/16, 2, 8]]}
  Two:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [1, !Cidr [10.0.0.0/16, 2, 8]]}
  Three: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.128/25}}
  Four: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/24}}
"""
    found = faults(node(body))

    assert ["Three: The CIDR '10.0.1.128/25' conflicts", "Four: The CIDR '10.1.0.0/24' is invalid."] == [
        one.partition(" with another")[0].partition(" (")[0] for one in found
    ]


def with_role(actions: str, allowed: str, effect: str = "Allow") -> str:
    return f"""
Parameters: {{Path: {{Type: String}}}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {{Effect: Allow, Principal: {{Service: ecs-tasks.amazonaws.com}}, Action: 'sts:AssumeRole'}}
      Policies:
        - PolicyName: secrets
          PolicyDocument:
            Statement:
              - {{Effect: Allow, Action: 'ssm:*', Resource: !Sub '{ROLE}${{Path}}/always'}}
              - {{Effect: {effect}, Action: '{actions}', Resource: !Sub '{ROLE}{allowed}'}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ExecutionRoleArn: !GetAtt Role.Arn
      ContainerDefinitions:
        - {{Name: app, Image: i, Secrets: [{{Name: S, ValueFrom: !Sub '{ROLE}${{Path}}/x'}}]}}
"""


@pytest.mark.parametrize("allowed", ["${Path}/*", "${Path}/x", "*"])
def test_a_secret_that_the_role_may_read_is_taken(allowed: str) -> None:
    assert [] == faults(node(with_role("ssm:GetParameters", allowed)))


@pytest.mark.parametrize(
    ("actions", "allowed", "effect"),
    [
        ("ssm:GetParameters", "/other/*", "Allow"),
        ("ssm:GetParameter", "${Path}/*", "Allow"),
        ("ssm:GetParameters", "${Path}/*", "Deny"),
    ],
)
def test_a_secret_that_the_role_may_not_read_is_refused(actions: str, allowed: str, effect: str) -> None:
    (found,) = faults(node(with_role(actions, allowed, effect)))

    assert found.startswith(
        "Task: the execution role Role is not authorized to perform: ssm:GetParameters on resource: "
    )


def test_a_resource_that_aws_takes_by_now_is_excused() -> None:
    excuse = "    Metadata: {Slipway: {AwsTakes: since 2027}}"
    body = resource("AWS::EC2::VPC", f"{{CidrBlock: 10.0.0.0/8}}\n{excuse}")

    assert [] == faults(node(body))


def test_a_yaml_alias_is_refused_with_its_line() -> None:
    with pytest.raises(TemplateError) as error:
        template.parse("app", "infra/app.yaml", "Resources:\n  A: &a {Type: 'AWS::SNS::Topic'}\n  B: *a\n")

    assert "infra/app.yaml:3 has a YAML alias" == error.value.what


def mutations() -> list[dict[str, Any]]:
    file = ROOT / "tests/unit/local_aws/cloudformation/mutations.yaml"
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [one for one in found if "says" in one]


def is_told(mutation: dict[str, Any]) -> bool:
    from tests.unit.local_aws.cloudformation.test_mutations import PARAMETERS, put
    from tests.unit.templates.reading import read

    content = read(mutation["in"])
    put(content, mutation)
    given = {
        name: value
        for name, value in {**PARAMETERS, **mutation.get("parameters", {})}.items()
        if name not in WIRED and name in content["Parameters"]
    }
    found = faults(node(json.dumps(content), **given), mutation.get("region", "eu-west-1"))
    return any(mutation["says"] in words for words in found)


def test_all_but_these_mistakes_are_refused_before_a_deploy_touches_anything() -> None:
    left_to_the_deploy = {
        "a listener where its rule is due": "a rule of `make check` (tests/unit/templates/rules)",
        "a load balancer in one subnet": "the subnets are another stack's",
        "a pause at a stage that takes none": "a rule of `make check` (tests/unit/templates/rules)",
        "a subnet group of one subnet": "the subnets are another stack's",
        "an older engine version": "the version in force is AWS's to know",
        "storage made smaller": "the storage in force is AWS's to know",
    }

    assert set(left_to_the_deploy) == {one["mistake"] for one in mutations() if not is_told(one)}


@pytest.mark.parametrize("file", sorted((ROOT / "infra").glob("*.yaml")), ids=lambda file: file.stem)
def test_no_template_here_is_refused(file: Path) -> None:
    assert [] == faults(node(file.read_text(encoding="utf-8"), **OWN))
