"""A stack policy as AWS reads it: what nothing allows is denied, and a Deny beats an Allow."""

import json

import pytest

from local_aws.cloudformation.stack_policies import denied_by

ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
DATABASE = {"StringEquals": {"ResourceType": ["AWS::RDS::DBInstance"]}}


@pytest.mark.parametrize(
    ("statements", "action", "denied"),
    [
        ([ALLOW], "Update:Replace", False),
        ([], "Update:Modify", True),
        ([{**DENY, "Resource": "LogicalResourceId/Database"}, ALLOW], "Update:Modify", True),
        ([ALLOW, {**DENY, "Action": ["Update:Replace", "Update:Delete"]}], "Update:Delete", True),
        ([ALLOW, {**DENY, "Action": ["Update:Replace", "Update:Delete"]}], "Update:Modify", False),
        ([ALLOW, {**DENY, "Resource": "LogicalResourceId/Data*"}], "Update:Modify", True),
        ([ALLOW, {**DENY, "Resource": "LogicalResourceId/Other"}], "Update:Modify", False),
        ([ALLOW, {**DENY, "Condition": DATABASE}], "Update:Modify", True),
        (
            [ALLOW, {**DENY, "Condition": {"StringLike": {"ResourceType": ["AWS::EC2::*"]}}}],
            "Update:Modify",
            False,
        ),
        (
            [{"Effect": "Allow", "NotAction": "Update:Delete", "Principal": "*", "Resource": "*"}],
            "Update:Delete",
            True,
        ),
        ([{**DENY, "Effect": "Allow", "NotResource": "LogicalResourceId/Database"}], "Update:Modify", True),
    ],
)
def test_a_statement_covers_actions_resources_and_types(statements, action, denied):
    for statement in statements:
        if "NotResource" in statement:
            statement.pop("Resource", None)
    words = denied_by(json.dumps({"Statement": statements}), action, "Database", "AWS::RDS::DBInstance")

    assert denied == (words is not None)


def test_the_words_are_aws_own():
    policy = json.dumps({"Statement": [DENY]})

    assert denied_by(policy, "Update:Replace", "Database", "AWS::RDS::DBInstance") == (
        "Action denied by stack policy: Statement [#1] does not allow [Update:Replace] for resource "
        "[LogicalResourceId/Database];"
    )
