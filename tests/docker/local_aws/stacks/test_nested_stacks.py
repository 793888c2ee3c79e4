"""A nested stack is a stack like any other; its parent makes it, waits for it, and takes it away."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.rehearsal import Rehearsal

BUCKET = "nested"
PARAMETER = """
Parameters:
  Name: {Type: String}
  Text: {Type: String, Default: first}
Resources:
  Kept:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    Properties: {LogGroupName: !Sub '/kept/${Name}'}
  Thing:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Ref Name, Type: String, Value: !Ref Text}
Outputs:
  Name: {Value: !Ref Thing}
"""
# Its second resource names nothing, so it fails when its first one is there.
FAILING = """
Parameters: {Name: {Type: String}}
Resources:
  First:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Ref Name, Type: String, Value: x}
  Second:
    Type: AWS::EC2::Subnet
    DependsOn: First
    Properties: {VpcId: vpc-nope, CidrBlock: 10.0.0.0/24}
"""
PARENT = """
Parameters:
  Inner: {Type: String}
  Text: {Type: String, Default: first}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub 'https://nested.s3.${AWS::Region}.amazonaws.com/${Inner}.yaml'
      Parameters: {Name: !Sub '/nested/${Inner}', TEXT}
  Beside:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub '/beside/${Inner}', Type: String, Value: VALUE}
"""
GOOD = PARENT.replace("TEXT", "Text: !Ref Text").replace("VALUE", "!GetAtt Child.Outputs.Name")
BAD = PARENT.replace(", TEXT", "").replace("VALUE", "!Ref Child")


@pytest.fixture(scope="module")
def bucket(rehearsal: Rehearsal) -> Rehearsal:
    s3 = rehearsal.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name, body in (("good", PARAMETER), ("bad", FAILING), ("stays", FAILING)):
        s3.put_object(Bucket=BUCKET, Key=f"{name}.yaml", Body=body.encode())
    return rehearsal


def children(rehearsal: Rehearsal, parent: str) -> list[dict[str, Any]]:
    every = rehearsal.client("cloudformation").describe_stacks()["Stacks"]
    return [one for one in every if f":stack/{parent}/" in one.get("ParentId", "")]


def parameters(rehearsal: Rehearsal, *names: str) -> dict[str, str]:
    found = rehearsal.client("ssm").get_parameters(Names=list(names))["Parameters"]
    return {one["Name"]: one["Value"] for one in found}


def test_a_nested_stack_is_made_updated_and_deleted_with_its_parent(bucket: Rehearsal) -> None:
    created = bucket.deploy("parent", GOOD, Inner="good")
    first = parameters(bucket, "/nested/good", "/beside/good")
    (child,) = children(bucket, "parent")
    updated = bucket.deploy("parent", GOOD, Inner="good", Text="second")
    second = parameters(bucket, "/nested/good")
    deleted = bucket.delete("parent")
    groups = bucket.client("logs").describe_log_groups(logGroupNamePrefix="/kept/")["logGroups"]

    assert ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE") == (
        created["StackStatus"],
        updated["StackStatus"],
        deleted,
    )
    assert {"/nested/good": "first", "/beside/good": "/nested/good"} == first
    assert child["RootId"] == child["ParentId"] == created["StackId"]
    assert {"/nested/good": "second"} == second
    assert {} == parameters(bucket, "/nested/good", "/beside/good")
    assert ["/kept//nested/good"] == [one["logGroupName"] for one in groups]


def test_a_nested_stack_that_fails_rolls_its_parent_back_and_leaves_nothing(bucket: Rehearsal) -> None:
    ended = bucket.deploy("unlucky", BAD, Inner="bad")
    reasons = bucket.failures("unlucky")
    bucket.delete("unlucky")

    assert "ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert "was not successfully created: The following resource(s) failed to create: [Second]." in reasons[0]
    assert [] == children(bucket, "unlucky")
    assert {} == parameters(bucket, "/nested/bad", "/beside/bad")


def test_without_rollback_a_failed_nested_stack_stays_to_be_looked_at(bucket: Rehearsal) -> None:
    cloudformation = bucket.client("cloudformation")
    given = [{"ParameterKey": "Inner", "ParameterValue": "stays"}]
    cloudformation.create_stack(StackName="kept", TemplateBody=BAD, DisableRollback=True, Parameters=given)
    ended = bucket.ended("kept")
    (child,) = children(bucket, "kept")
    there = parameters(bucket, "/nested/stays")
    deleted = bucket.delete("kept")

    assert "CREATE_FAILED" == ended["StackStatus"] == child["StackStatus"]
    assert {"/nested/stays": "x"} == there
    assert "DELETE_COMPLETE" == deleted
    assert {} == parameters(bucket, "/nested/stays")


def test_an_address_that_is_none_of_s3s_is_refused(rehearsal: Rehearsal) -> None:
    with pytest.raises(ClientError, match="TemplateURL must be a supported URL"):
        rehearsal.client("cloudformation").create_stack(
            StackName="x", TemplateURL="https://example.com/a/b.yaml"
        )
