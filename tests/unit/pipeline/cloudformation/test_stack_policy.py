"""A stack that holds data has a policy, and only what somebody named is lifted out of it, for one update."""

from typing import Any

import pytest

from pipeline.cloudformation import stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.data_loss import Named
from pipeline.cloudformation.deploy import StackDeployer
from pipeline.errors import StackFailedError
from pipeline.graph import template
from tests.support.fakes import FakeCloudFormation, Time

NAME = "orders-dev-rds"
TEMPLATE = template.parse(
    "rds",
    "infra/rds.yaml",
    "Resources:\n  Database: {Type: 'AWS::RDS::DBInstance'}\n"
    "  Ledger: {Type: 'Custom::Ledger', Metadata: {Slipway: {HoldsData: true}}}\n"
    "  Group: {Type: 'AWS::RDS::DBSubnetGroup'}\n",
)
REPLACED = {
    "Action": "Modify",
    "LogicalResourceId": "Database",
    "ResourceType": "AWS::RDS::DBInstance",
    "Replacement": "True",
}


@pytest.fixture
def cloudformation() -> FakeCloudFormation:
    made = FakeCloudFormation()
    made.resources = {
        "Database": ("AWS::RDS::DBInstance", "db"),
        "Ledger": ("Custom::Ledger", "ledger"),
        "Group": ("AWS::RDS::DBSubnetGroup", "group"),
    }
    return made


def deploy(cloudformation: Any, *named: str, body: template.Template = TEMPLATE) -> None:
    waiter, meant = Time().waiter, Named("deploy", frozenset(named))
    deployer = StackDeployer(cloudformation, waiter, lambda _: None, 60, meant)
    current = stacks.describe(cloudformation, NAME)
    with deployer.deploy(StackSpec(NAME, body, {}, {}), current) as deployment:
        for _ in deployment.events():
            pass


def denied(cloudformation: FakeCloudFormation) -> list[list[str]]:
    """What each policy, in turn, denies to replace or delete."""
    found = []
    for policy in cloudformation.policies.get(NAME, []):
        allow, *deny = policy["Statement"]
        assert {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"} == allow
        assert all(["Update:Replace", "Update:Delete"] == one["Action"] for one in deny)
        found.append([name.removeprefix("LogicalResourceId/") for one in deny for name in one["Resource"]])
    return found


def test_a_new_stack_that_holds_data_is_protected_once_it_is_there(
    cloudformation: FakeCloudFormation,
) -> None:
    deploy(cloudformation)

    assert [["Database", "Ledger"]] == denied(cloudformation)


def test_a_stack_is_protected_before_an_update(cloudformation: FakeCloudFormation) -> None:
    cloudformation.have(NAME, "UPDATE_COMPLETE")
    cloudformation.changes = [{"ResourceChange": {**REPLACED, "Replacement": "False"}}]

    deploy(cloudformation)

    assert [["Database", "Ledger"]] == denied(cloudformation)


@pytest.mark.parametrize("end", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_what_was_named_is_lifted_for_its_update_alone_however_that_ends(
    cloudformation: FakeCloudFormation, end: str
) -> None:
    cloudformation.have(NAME, "UPDATE_COMPLETE")
    cloudformation.changes = [{"ResourceChange": REPLACED}]
    cloudformation.next_ends[NAME] = [end]

    if end == "UPDATE_COMPLETE":
        deploy(cloudformation, "rds/Database")
    else:
        with pytest.raises(StackFailedError):
            deploy(cloudformation, "rds/Database")

    assert [["Ledger"], ["Database", "Ledger"]] == denied(cloudformation)


def test_what_was_named_and_is_not_replaced_stays_protected(cloudformation: FakeCloudFormation) -> None:
    cloudformation.have(NAME, "UPDATE_COMPLETE")
    cloudformation.changes = [{"ResourceChange": REPLACED}]

    deploy(cloudformation, "rds/Database", "rds/Ledger")

    assert ["Ledger"] == denied(cloudformation)[0]


def test_a_stack_with_nothing_to_change_is_protected_too(cloudformation: FakeCloudFormation) -> None:
    """A deploy that named a resource may have been killed before it put the policy back."""
    cloudformation.have(NAME, "UPDATE_COMPLETE")
    cloudformation.empty.add(NAME)

    deploy(cloudformation)

    assert [["Database", "Ledger"]] == denied(cloudformation)


def test_a_stack_without_data_has_no_policy(cloudformation: FakeCloudFormation) -> None:
    cloudformation.have(NAME, "UPDATE_COMPLETE")

    deploy(cloudformation, body=template.parse("vpc", "infra/vpc.yaml", "Resources: {V: {Type: X}}"))

    assert {} == cloudformation.policies
