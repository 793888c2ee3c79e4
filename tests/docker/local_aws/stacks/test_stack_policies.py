"""Through the API: what a stack's policy denies to an update fails the update, and what is there stays."""

import json

import pytest
from botocore.exceptions import ClientError

from pipeline.cloudformation.data_loss import stack_policy

TEMPLATE = (
    "Parameters:\n  Name: {Type: String}\n  Days: {Type: Number}\n  With: {Type: String}\n"
    "Conditions:\n  Has: !Equals [!Ref With, 'yes']\n"
    "Resources:\n"
    "  Logs:\n    Type: AWS::Logs::LogGroup\n"
    "    Properties: {LogGroupName: !Ref Name, RetentionInDays: !Ref Days}\n"
    "  Removable:\n    Type: AWS::SQS::Queue\n    Condition: Has\n"
)
NAME = "with-a-policy"


@pytest.fixture(scope="module")
def deploy(rehearsal):
    def deploy(name="/first", days=1, has="yes"):
        return rehearsal.deploy(NAME, TEMPLATE, Name=name, Days=str(days), With=has)["StackStatus"]

    deploy()
    return deploy


def set_policy(rehearsal, policy):
    rehearsal.client("cloudformation").set_stack_policy(StackName=NAME, StackPolicyBody=policy)


def test_the_policy_of_what_holds_data_lets_it_be_modified_and_neither_replaced_nor_removed(
    rehearsal, deploy
):
    set_policy(rehearsal, stack_policy(["Logs", "Removable"]))

    modified, replaced, removed = deploy(days=3), deploy(name="/second"), deploy(days=3, has="no")

    denied = "Action denied by stack policy: Statement [#2] does not allow [Update:{}] for resource [{}];"
    failures = "\n".join(rehearsal.failures(NAME))
    assert ("UPDATE_COMPLETE", *["UPDATE_ROLLBACK_COMPLETE"] * 2) == (modified, replaced, removed)
    assert denied.format("Replace", "LogicalResourceId/Logs") in failures
    assert denied.format("Delete", "LogicalResourceId/Removable") in failures

    set_policy(rehearsal, stack_policy([]))
    assert "UPDATE_COMPLETE" == deploy(name="/second", has="no")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Resource": "LogicalResourceId/Nothing"}, "Unknown logical id 'Nothing'"),
        ({"Action": "Delete:*"}, "Invalid stack policy"),
        ({"Principal": "somebody"}, "Invalid stack policy"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(rehearsal, deploy, statement, words):
    policy = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*", **statement}

    with pytest.raises(ClientError, match=f"Error validating stack policy: {words}"):
        set_policy(rehearsal, json.dumps({"Statement": [policy]}))
