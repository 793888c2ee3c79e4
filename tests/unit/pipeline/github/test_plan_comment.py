"""A plan as a reviewer reads it in a comment, and when it makes the check red."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DataLossError, StackFailedError
from pipeline.github import plan_comment
from pipeline.inspect import plan
from tests.support.fakes import Audience
from tests.support.small_project import World, world


@pytest.fixture
def here(tmp_path: Path) -> World:
    return world(tmp_path)


def change(logical_id: str, kind: str, action: str = "Modify", replacement: str = "False") -> dict[str, Any]:
    change: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "Replacement": replacement,
    }
    if action == "Modify":
        change["Details"] = [{"Target": {"Attribute": "Properties", "Name": "Size|Class"}}]
    return {"ResourceChange": change}


def review(here: World, *changes: dict[str, Any]) -> tuple[str, Any]:
    here.deployed().cloudformation.changes = list(changes)
    # Only the database's stack would change.
    here.cloudformation.empty |= {"orders-ecr", "orders-dev-vpc", "orders-dev-app"}
    planned = plan.make(here.context, Audience())
    return plan_comment.document(planned), planned.failure


def test_what_is_added_changed_replaced_and_removed_is_a_row_each(here: World) -> None:
    document, failure = review(
        here,
        change("Queue", "AWS::SNS::Topic", "Add"),
        change("Group", "AWS::RDS::DBSubnetGroup"),
        change("Rule", "AWS::EC2::Route", replacement="True"),
        change("Perhaps", "AWS::EC2::Route", replacement="Conditional"),
        change("Old", "AWS::SNS::Topic", "Remove"),
    )

    assert failure is None
    for row in (
        "### 📝 dev: 1 of 5 would change",
        "**`orders-dev-rds`** update: 1 to add, 2 to modify, 1 to replace, 1 to remove",
        "| 🟢 | `Queue` | `AWS::SNS::Topic` |  |",
        r"| 🟡 | `Group` | `AWS::RDS::DBSubnetGroup` | `Size\|Class` |",
        r"| 🔁 | `Rule` | `AWS::EC2::Route` | replaced: `Size\|Class` |",
        r"| 🔁 | `Perhaps` | `AWS::EC2::Route` | perhaps replaced: `Size\|Class` |",
        "| 🔴 | `Old` | `AWS::SNS::Topic` |  |",
        "Unchanged: `app`, `ecr`, `image`, `vpc`",
    ):
        assert row in document


@pytest.mark.parametrize(
    ("action", "replacement", "words", "fate"),
    [
        ("Modify", "True", r"**replaced: `Size\|Class`, it holds data**", "replaced"),
        (
            "Modify",
            "Conditional",
            r"**perhaps replaced: `Size\|Class`, it holds data**",
            "perhaps be replaced",
        ),
        ("Remove", "False", "**removed: it holds data**", "removed"),
    ],
)
def test_data_that_would_be_lost_is_bold_and_an_error_at_its_line(
    here: World, action: str, replacement: str, words: str, fate: str
) -> None:
    document, failure = review(here, change("Database", "AWS::RDS::DBInstance", action, replacement))

    assert isinstance(failure, DataLossError)
    assert failure.what.startswith("rds/Database holds data and would ")
    assert failure.what.endswith(fate)
    assert "infra/rds.yaml:3" == failure.where
    assert document.startswith("### ❌ dev: 1 of 5 would change\n\n> [!CAUTION]\n")
    assert f"| ⛔ | **`Database`** | **`AWS::RDS::DBInstance`** | {words} |" in document


def test_nothing_to_change_is_one_line(here: World) -> None:
    here.ssm.values["/orders/dev/password"] = {"Value": "x"}
    _, failure = review(here)
    here.cloudformation.empty.add("orders-dev-rds")
    planned = plan.make(here.context, Audience())

    assert failure is None
    assert "### ✅ dev: nothing to change\n" == plan_comment.document(planned)


def test_a_first_release_is_folded_and_names_its_new_secrets(here: World) -> None:
    planned = plan.make(here.context, Audience())

    document = plan_comment.document(planned)

    assert (
        "**`orders-dev-rds`** create: would create 1 resources (VpcId not known before the deploy)"
        in document
    )
    assert "- 🟢 secret `/orders/dev/password`, a new random value" in document
    assert "<details><summary>1 resources</summary>" in document


def test_a_stack_that_could_not_be_planned_is_an_error_with_its_cause_first(here: World) -> None:
    here.deployed().cloudformation.refusal = "Parameter validation failed | no"
    planned = plan.make(here.context, Audience())

    document = plan_comment.document(planned)

    assert isinstance(planned.failure, StackFailedError)
    assert r"Parameter validation failed \| no" in document.partition("**`")[0]


def test_what_interrupts_without_replacing_is_marked_and_no_failure(here: World) -> None:
    larger = change("Database", "AWS::RDS::DBInstance")
    larger["ResourceChange"]["Details"][0]["Target"]["Name"] = "DBInstanceClass"
    document, failure = review(here, larger)

    assert failure is None
    assert (
        "| 🟠 | `Database` | `AWS::RDS::DBInstance` | `DBInstanceClass`; "
        "**interrupts**: DBInstanceClass: the database restarts at once |"
    ) in document
