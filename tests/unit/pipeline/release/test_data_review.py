"""No deploy replaces or removes data that nobody named, and it says so before it touches anything."""

from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.cli import connect
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.errors import DataLossError
from tests.support import command
from tests.support.fakes import FakeSession, client_error
from tests.support.small_project import DIGEST, REPOSITORY, World, world

LOSES = {
    "ResourceChange": {
        "Action": "Modify",
        "LogicalResourceId": "Database",
        "ResourceType": "AWS::RDS::DBInstance",
        "Replacement": "True",
        "PolicyAction": "ReplaceAndSnapshot",
        "Details": [
            {"Target": {"Attribute": "Properties", "Name": "DBName", "RequiresRecreation": "Always"}}
        ],
    }
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A deployed environment of which every stack has something to change; the database's loses its data."""
    made = world(tmp_path).deployed()
    [tags] = made.ecr.images.values()
    monkeypatch.setattr(FakeSession, "version", tags[0])
    monkeypatch.setattr(requests, "Session", FakeSession)
    monkeypatch.setattr(connect, "open_environment", lambda *_: made.context)
    monkeypatch.setattr(connect, "base_image", lambda _: lambda *_: None)
    shipped = made.cloudformation.describe_change_set

    def describe(**request: Any) -> dict[str, Any]:
        answer = shipped(**request)
        stack = made.cloudformation.stacks[request["StackName"]]["StackName"]
        return {**answer, "Changes": [LOSES]} if stack == "orders-dev-rds" else answer

    monkeypatch.setattr(made.cloudformation, "describe_change_set", describe)
    return made


def executed(here: World) -> list[str]:
    return sorted(line for line in here.cloudformation.log if line.startswith("execute"))


def test_a_deploy_that_would_replace_the_database_ends_with_22_and_executes_nothing(here: World) -> None:
    for _ in range(2):  # Seen: the second one said "nothing changed: everything is as it should be".
        code, said = command.run("deploy", "dev")

        assert 22 == code, said
        assert "rds/Database holds data and would be replaced" in said
        assert "DBName" in said
        assert "a last snapshot is taken of it" in said
        assert "python -m pipeline deploy dev --replace rds/Database" in said
    assert [] == executed(here)
    assert {} == here.cloudformation._sets


def test_a_deploy_that_names_the_database_replaces_it(here: World) -> None:
    code, said = command.run("deploy", "dev", "--replace", "rds/Database")

    assert 0 == code, said
    assert "execute orders-dev-rds" in executed(here)


@pytest.mark.parametrize("others", [(), ("--image", f"{REPOSITORY}@{DIGEST}")])
def test_a_name_that_is_no_resource_is_refused_before_anything_is_touched(
    here: World, others: tuple[str, ...]
) -> None:
    code, said = command.run("deploy", "dev", "--replace", "rds/Databse", *others)

    assert 2 == code
    assert 'did you mean "rds/Database"?' in said
    assert [] == here.cloudformation.log


def test_a_stack_that_is_left_alone_replaces_nothing(here: World) -> None:
    named = ("--replace", "ecr/Repository", "--image", f"{REPOSITORY}@{DIGEST}")

    code, said = command.run("deploy", "dev", *named)

    assert 2 == code
    assert "run the command again without --image" in said


def test_a_name_that_nothing_replaces_is_said(here: World) -> None:
    code, said = command.run("deploy", "dev", "--replace", "rds/Database ecr/Repository")

    assert 0 == code, said
    assert "ecr/Repository was named by --replace, and nothing replaces or removes it now" in said


def test_a_change_set_that_turns_out_to_lose_data_is_refused_when_it_is_its_turn(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the stacks before it gave was not known when the deploy began."""
    monkeypatch.setattr("pipeline.release.data_review.DataReview.refuse_losses", lambda *_: None)

    code, said = command.run("deploy", "dev")

    assert 22 == code, said
    assert "execute orders-dev-rds" not in executed(here)
    assert {} == here.cloudformation._sets


def test_a_stack_that_can_not_be_looked_at_beforehand_is_told_at_its_turn(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment's deploy may be at work on the account's stack, which waits for its turn."""
    shipped, refused = here.cloudformation.create_change_set, list[str]()

    def busy_at_first(**request: Any) -> dict[str, Any]:
        if request["StackName"] == "orders-ecr" and not refused:
            refused.append("orders-ecr")
            raise client_error("CreateChangeSet", "ValidationError", "is in UPDATE_IN_PROGRESS state")
        return shipped(**request)

    monkeypatch.setattr(here.cloudformation, "create_change_set", busy_at_first)

    code, said = command.run("deploy", "dev", "--replace", "rds/Database")

    assert 0 == code, said
    assert ["orders-ecr"] == refused


def test_an_update_of_parameters_alone_loses_no_data_either(here: World) -> None:
    current = here.context.current(here.context.stacks["rds"])
    assert current is not None
    update = ParameterUpdate({"P": "2"}, "something", "AWS::RDS::DBInstance")
    object.__setattr__(current, "parameters", {"P": "1"})

    with pytest.raises(DataLossError):
        here.context.deployer(lambda _: None).update_parameters(
            current, here.context.stacks["rds"].template, update
        )

    assert [] == executed(here)


def test_a_build_of_the_image_alone_keeps_the_repository(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = {
        "Action": "Remove",
        "LogicalResourceId": "Repository",
        "ResourceType": "AWS::ECR::Repository",
    }
    here.cloudformation.changes = [{"ResourceChange": repository}]

    code, said = command.run("image", "dev")

    assert 22 == code, said
    assert [] == executed(here)
