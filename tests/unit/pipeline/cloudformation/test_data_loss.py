"""What a change set would do to data, and how the refusal says it."""

from typing import Any

import pytest

from pipeline.cloudformation import data_loss
from pipeline.cloudformation.change_set import Changes, Detail, ResourceChange
from pipeline.cloudformation.data_loss import Loss, Named
from pipeline.errors import DataLossError
from pipeline.graph import template
from tests.support.fakes import FakeCloudFormation

TEMPLATE = template.parse(
    "rds-database",
    "infra/rds-database.yaml",
    "Resources:\n"
    "  Database: {Type: 'AWS::RDS::DBInstance'}\n"
    "  Marked: {Type: 'Custom::Ledger', Metadata: {Slipway: {HoldsData: true}}}\n"
    "  Group: {Type: 'AWS::RDS::DBSubnetGroup'}\n",
)
DATABASE = ("Database", "AWS::RDS::DBInstance")
COMMAND = "python -m pipeline deploy dev"


def found(*changes: ResourceChange, deployed: str = "Resources: {}") -> list[str]:
    cloudformation: Any = FakeCloudFormation()
    cloudformation.deployed_template = deployed
    stack_id = cloudformation.have("orders-dev-rds-database", "CREATE_COMPLETE")
    losses = data_loss.find(cloudformation, Changes("arn", stack_id, changes), TEMPLATE)
    return [loss.change.logical_id for loss in losses]


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (ResourceChange("Modify", *DATABASE, replacement="True"), True),
        (ResourceChange("Modify", *DATABASE, replacement="Conditional"), True),
        (ResourceChange("Modify", *DATABASE, replacement="False"), False),
        (ResourceChange("Remove", *DATABASE), True),
        (ResourceChange("Dynamic", *DATABASE), True),
        (ResourceChange("Add", *DATABASE), False),
        (ResourceChange("Modify", "Group", "AWS::RDS::DBSubnetGroup", replacement="True"), False),
        (ResourceChange("Modify", "Marked", "Custom::Ledger", replacement="True"), True),
        (ResourceChange("Remove", "Child", "AWS::CloudFormation::Stack"), True),
        # A policy that keeps it says that it matters to somebody.
        (ResourceChange("Remove", "Kept", "Custom::Ledger", policy_action="Retain"), True),
        (ResourceChange("Modify", "G", "X::Y::Z", "True", policy_action="ReplaceAndSnapshot"), True),
    ],
)
def test_data_is_lost_where_its_resource_is_or_may_be_replaced_or_removed(
    change: ResourceChange, lost: bool
) -> None:
    assert lost == bool(found(change))


def test_a_resource_that_leaves_the_template_with_its_mark_counts_by_the_mark_that_was_deployed() -> None:
    gone = ResourceChange("Remove", "Old", "Custom::Ledger")
    marked = "Resources: {Old: {Type: 'Custom::Ledger', Metadata: {Slipway: {HoldsData: true}}}}"

    assert ["Old"] == found(gone, deployed=marked)
    assert [] == found(gone, deployed=marked.replace("Slipway", "Other"))


NAME_CHANGES = (Detail("DBName", recreation="Always"), Detail("Tags", recreation="Never"))
REPLACED = ResourceChange(
    "Modify", *DATABASE, "True", ("DBName", "Tags"), NAME_CHANGES, policy_action="ReplaceAndSnapshot"
)


def test_the_error_names_resource_property_fate_line_and_command() -> None:
    failure = data_loss.failure_of([Loss(TEMPLATE, REPLACED)], Named(COMMAND))

    assert failure is not None
    assert 22 == failure.exit_code
    assert "rds-database/Database holds data and would be replaced" == failure.what
    assert failure.why.startswith("a change of DBName makes another one in its place; a last snapshot")
    assert failure.next_step.endswith(f"{COMMAND} --replace rds-database/Database")
    assert "infra/rds-database.yaml:2" == failure.where


@pytest.mark.parametrize(
    ("policy_action", "fate"),
    [
        ("ReplaceAndDelete", "its data is deleted with it"),
        ("ReplaceAndRetain", "it stays in the account with its data, outside of every stack"),
        ("ReplaceAndSnapshot", "a last snapshot is taken of it, and it is deleted"),
        ("", "its data is deleted with it, unless its UpdateReplacePolicy says otherwise"),
    ],
)
def test_the_policy_says_what_becomes_of_the_data(policy_action: str, fate: str) -> None:
    change = ResourceChange("Modify", *DATABASE, "True", policy_action=policy_action)

    assert fate == Loss(TEMPLATE, change).fate


def test_the_command_names_all_that_is_lost_and_what_was_named_before() -> None:
    losses = [Loss(TEMPLATE, REPLACED), Loss(TEMPLATE, ResourceChange("Remove", "Marked", "Custom::Ledger"))]

    failure = data_loss.failure_of(losses, Named(COMMAND, frozenset({"ecr/Repository"})))

    assert failure is not None
    named = "--replace ecr/Repository --replace rds-database/Database --replace rds-database/Marked"
    assert failure.next_step.endswith(f"{COMMAND} {named}")
    assert ("infra/rds-database.yaml:3", failure.details[0]) == failure.also[0]
    assert failure.details[0].startswith("rds-database/Marked holds data and would be removed: ")


def test_what_was_named_is_let_through_and_nothing_else() -> None:
    losses = [Loss(TEMPLATE, REPLACED), Loss(TEMPLATE, ResourceChange("Remove", "Marked", "Custom::Ledger"))]

    data_loss.refuse(losses[:1], Named(COMMAND, frozenset({"rds-database/Database"})))
    with pytest.raises(DataLossError, match="rds-database/Marked"):
        data_loss.refuse(losses, Named(COMMAND, frozenset({"rds-database/Database"})))
