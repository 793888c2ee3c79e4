"""What a template reads from outside is found wherever it is named, and under which conditions."""

import pytest

from pipeline.graph import template
from pipeline.graph.references import Read

PLACE = {"AWS::Region": "eu-west-1", "AWS::AccountId": "111111111111", "AWS::Partition": "aws"}
VALUES = {"ServiceName": "orders", "Path": "/orders/dev/database", "Fancy": "false", **PLACE}


def reads(properties: str, more: str = "", kind: str = "AWS::ECS::TaskDefinition") -> set[tuple[str, str]]:
    return {(read.kind, read.name) for read in found(properties, more, kind)}


def found(properties: str, more: str = "", kind: str = "AWS::ECS::TaskDefinition") -> list[Read]:
    body = f"{more}\nResources: {{A: {{Type: '{kind}', Properties: {properties}}}}}"
    return template.parse("app", "infra/app.yaml", body).reads(VALUES)


@pytest.mark.parametrize(
    ("properties", "read"),
    [
        ("{P: !Sub '{{resolve:ssm-secure:/${ServiceName}/password}}'}", ("ssm-secure", "/orders/password")),
        ("{P: 'a {{resolve:ssm:/orders/host:3}} b'}", ("ssm", "/orders/host")),
        ("{P: !Sub '{{resolve:ssm:/${AWS::Region}/host}}'}", ("ssm", "/eu-west-1/host")),
        ("{Secrets: [{Name: A, ValueFrom: /orders/key}]}", ("task", "/orders/key")),
        (
            "{Secrets: [{Name: A, ValueFrom: !Sub '${Path}/password'}]}",
            ("task", "/orders/dev/database/password"),
        ),
        (
            "{Secrets: [{ValueFrom: !Sub 'arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter${Path}/host'}]}",  # noqa: E501 - one line of a template
            ("task", "/orders/dev/database/host"),
        ),
        (
            "{Secrets: [{Name: A, ValueFrom: !Join ['/', [!Ref Path, name]]}]}",
            ("task", "/orders/dev/database/name"),
        ),
        (
            "{Secrets: [{Name: A, ValueFrom: !Sub ['${X}/user', {X: !Ref Path}]}]}",
            ("task", "/orders/dev/database/user"),
        ),
    ],
)
def test_a_parameter_is_found_where_it_is_named(properties: str, read: tuple[str, str]) -> None:
    assert {read} == reads(properties)


@pytest.mark.parametrize(
    "properties",
    [
        "{Secrets: [{Name: A, ValueFrom: !Ref Other}]}",
        "{Secrets: [{Name: A, ValueFrom: !GetAtt Other.Arn}]}",
        "{Secrets: [{Name: A, ValueFrom: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:x'}]}",
        "{Secrets: [{Name: A, ValueFrom: 'arn:aws:ssm:eu-west-1:222222222222:parameter/theirs'}]}",
        "{P: !Sub '{{resolve:ssm:/${Unknown}/host}}'}",
    ],
)
def test_what_is_not_known_or_lies_elsewhere_is_not_claimed(properties: str) -> None:
    assert set() == reads(properties)


CONDITIONS = "Conditions: {Fancy: !Equals [!Ref Fancy, 'true'], Odd: !Equals [!Ref Unknown, '1']}"
SECRET = "{Name: A, ValueFrom: /orders/key}"


def test_what_a_condition_leaves_out_is_not_read() -> None:
    chosen = "{Secrets: [!If [Fancy, " + SECRET + ", {Name: B, ValueFrom: /orders/plain}]]}"

    assert {("task", "/orders/plain")} == reads(chosen, CONDITIONS)


def test_what_only_aws_can_leave_out_is_perhaps_read() -> None:
    perhaps = "{Secrets: [!If [Odd, " + SECRET + ", !Ref AWS::NoValue]]}"

    assert [False] == [read.certain for read in found(perhaps, CONDITIONS)]


def test_the_value_of_a_parameter_may_name_a_parameter() -> None:
    parameters = "Parameters: {Path: {Type: 'AWS::SSM::Parameter::Value<String>'}}"

    assert {("parameter", "/orders/dev/database")} == reads("{}", parameters)


def test_the_newest_version_is_asked_for_by_its_number_and_a_number_stays() -> None:
    body = (
        "Resources: {A: {Type: X, Properties: {P: !Sub '{{resolve:ssm-secure:/${ServiceName}/password}}',"
        " Q: '{{resolve:ssm:/orders/host:3}}', R: '{{resolve:ssm:/orders/other}}'}}}"
    )
    parsed = template.parse("app", "infra/app.yaml", body)

    pinned = parsed.pinned(VALUES, {"/orders/password": "7", "/orders/host": "9"}).body

    assert "{{resolve:ssm-secure:/${ServiceName}/password:7}}" in pinned
    assert "{{resolve:ssm:/orders/host:3}}" in pinned
    assert "{{resolve:ssm:/orders/other}}" in pinned


@pytest.mark.parametrize(
    ("text", "unseen"),
    [
        ("Resources: {A: {Type: X}}", False),
        ("Transform: AWS::LanguageExtensions\nResources: {A: {Type: X}}", False),
        ("Transform: [AWS::LanguageExtensions, OurMacro]\nResources: {A: {Type: X}}", True),
        (
            "Transform: {Name: AWS::Include, Parameters: {Location: 's3://b/k'}}\nResources: {A: {Type: X}}",
            True,
        ),
        ("Resources: {A: {Type: X, Properties: {'Fn::Transform': {Name: AWS::Include}}}}", True),
        ("Resources: {A: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: u}}}", True),
        ("Resources: {A: {Type: 'My::Own::Thing::MODULE'}}", True),
    ],
)
def test_parts_of_which_only_cloudformation_can_tell_that_they_changed(text: str, unseen: bool) -> None:
    assert unseen == template.parse("app", "infra/app.yaml", text).changes_unseen
