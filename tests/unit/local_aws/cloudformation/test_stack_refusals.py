import json

import pytest

from local_aws.cloudformation.stack_refusals import refusal_of, refuse_unknown_values, tag_no_stack_in_review

KNOWN = {
    "AWS::EC2::VPC::Id": {"vpc-1": {}},
    "AWS::EC2::Subnet::Id": {"subnet-1": {}, "subnet-2": {}},
}
DEFINITIONS = {
    "VpcId": {"Type": "AWS::EC2::VPC::Id"},
    "SubnetIds": {"Type": "List<AWS::EC2::Subnet::Id>"},
    "Name": {"Type": "String"},
}


def given(**values):
    return [{"Key": key, "Value": value} for key, value in values.items()]


def test_values_that_exist_are_taken():
    refuse_unknown_values(DEFINITIONS, given(VpcId="vpc-1", SubnetIds="subnet-1, subnet-2", Name="x"), KNOWN)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"VpcId": "vpc-9"}, "parameter value vpc-9 for parameter name VpcId does not exist"),
        (
            {"SubnetIds": "subnet-1,subnet-9"},
            "parameter value subnet-9 for parameter name SubnetIds does not exist",
        ),
        ({"VpcId": ""}, "parameter value  for parameter name VpcId does not exist"),
    ],
)
def test_a_value_that_names_nothing_is_refused_in_cloudformations_words(values, named):
    with pytest.raises(ValueError, match=named):
        refuse_unknown_values(DEFINITIONS, given(**values), KNOWN)


def test_a_previous_value_is_not_checked_again():
    refuse_unknown_values(DEFINITIONS, [{"Key": "VpcId", "UsePreviousValue": True}], KNOWN)


@pytest.mark.parametrize(
    "status",
    [
        "ROLLBACK_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ],
)
def test_a_stack_that_cannot_be_updated_says_its_state(status):
    assert f"Stack:arn is in {status} state and can not be updated." == refusal_of(status, "arn")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_can_be_updated_is_not_refused(status):
    assert refusal_of(status, "arn") is None


def test_a_stack_in_review_has_no_tags_and_its_change_set_keeps_them(registry):
    tag_no_stack_in_review(registry)
    request = {
        "StackName": "in-review",
        "ChangeSetName": "first",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps({"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}}),
        "Tags.member.1.Key": "service",
        "Tags.member.1.Value": "orders",
    }

    with registry.scope():
        create = registry.shipped_operation("cloudformation", "CreateChangeSet")
        assert 200 == create({key: [value] for key, value in request.items()})[0]
        stack = registry.records("AWS::CloudFormation::Stack")["in-review"]
        describe = registry.shipped_operation("cloudformation", "DescribeChangeSet")
        change_set = describe({"StackName": ["in-review"], "ChangeSetName": ["first"]})[2]

    assert ("REVIEW_IN_PROGRESS", []) == (stack["StackStatus"], stack["Tags"])
    assert b"<Key>service</Key>" in change_set
