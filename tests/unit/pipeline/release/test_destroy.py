"""Destroying goes in reverse order and touches nothing that Slipway did not make."""

from pathlib import Path

import pytest

from pipeline.errors import BusyError, ProtectedError, StackStuckError
from pipeline.release import destroy
from tests.support.fakes import Audience, FakeAws
from tests.support.small_project import World, world


@pytest.fixture
def here(tmp_path: Path) -> World:
    made = world(tmp_path).deployed()
    for name in ("/orders/dev/password", "/slipway/orders/dev/deployed", "/orders/staging/password"):
        made.ssm.values[name] = {"Value": "x"}
    return made


def test_stacks_go_in_reverse_order_and_the_accounts_own_stays(here: World) -> None:
    audience = Audience()

    assert destroy.destroy(here.context, audience) is None
    assert [
        "delete orders-dev-app",
        "delete orders-dev-rds",
        "delete orders-dev-vpc",
    ] == here.cloudformation.log
    assert "ecr: orders-ecr stays: it belongs to the account, not to this environment" in audience.lines


def test_what_holds_data_is_named_as_it_goes(here: World) -> None:
    audience = Audience()

    destroy.destroy(here.context, audience)

    said = [line for line in audience.lines if "with its data" in line]
    assert ["rds: deleting Database with its data, unless its DeletionPolicy keeps it"] == said


def test_the_environments_secrets_and_memory_go_too_and_others_stay(here: World) -> None:
    destroy.destroy(here.context, Audience())

    assert ["/orders/staging/password"] == list(here.ssm.values)


def test_a_deploy_right_after_finds_names_that_ssm_takes_again(here: World) -> None:
    destroy.destroy(here.context, Audience())
    rested = here.time.now

    destroy.destroy(here.context, Audience())

    assert 30 <= rested
    assert here.time.now - rested < 30, "nothing was deleted the second time"


def test_the_local_aws_needs_no_such_rest(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAws, "on_this_machine", True)

    destroy.destroy(here.context, Audience())

    assert here.time.now < 30


def test_a_stack_whose_template_is_gone_goes_first_and_another_environments_stays(here: World) -> None:
    here.cloudformation.have("orders-dev-cache", "CREATE_COMPLETE")
    other = here.cloudformation.have("orders-staging-cache", "CREATE_COMPLETE")
    here.cloudformation.stacks[other]["Tags"] = [{"Key": "environment", "Value": "staging"}]

    assert destroy.destroy(here.context, Audience()) is None
    assert ["delete orders-dev-cache", "delete orders-dev-app"] == here.cloudformation.log[:2]
    assert "delete orders-staging-cache" not in here.cloudformation.log


def test_a_stack_nested_in_another_goes_with_it_and_not_by_itself(here: World) -> None:
    nested = here.cloudformation.have("orders-dev-app-Child-1ABC", "CREATE_COMPLETE")
    here.cloudformation.stacks[nested]["ParentId"] = "the id of orders-dev-app"

    assert destroy.destroy(here.context, Audience()) is None
    assert "delete orders-dev-app-Child-1ABC" not in here.cloudformation.log


def test_destroying_twice_is_fine(here: World) -> None:
    destroy.destroy(here.context, Audience())

    assert destroy.destroy(here.context, Audience()) is None


def test_a_stack_that_slipway_did_not_make_is_refused_and_what_it_needs_stays(here: World) -> None:
    found = here.cloudformation._find("orders-dev-rds")
    assert found is not None
    found["Tags"] = []

    failure = destroy.destroy(here.context, Audience())

    assert isinstance(failure, ProtectedError)
    assert (
        "aws cloudformation delete-stack --stack-name orders-dev-rds --region eu-west-1" in failure.next_step
    )
    assert ["delete orders-dev-app"] == here.cloudformation.log
    assert "/orders/dev/password" in here.ssm.values


def test_a_stack_that_a_plan_left_in_review_without_tags_goes_too(here: World) -> None:
    for name in ("orders-dev-rds", "orders-dev-app"):
        del here.cloudformation.stacks[here.cloudformation._find(name)["StackId"]]  # type: ignore[index]
        here.cloudformation.have(name, "REVIEW_IN_PROGRESS")

    assert destroy.destroy(here.context, Audience()) is None
    assert [
        "delete orders-dev-app",
        "delete orders-dev-rds",
        "delete orders-dev-vpc",
    ] == here.cloudformation.log


def test_a_stack_that_can_not_be_deleted_keeps_what_it_stands_on(here: World) -> None:
    here.cloudformation.next_ends["orders-dev-app"] = ["DELETE_FAILED"]
    here.cloudformation.failures = [("Service", "AWS::ECS::Service", "deletion protection is on")]

    failure = destroy.destroy(here.context, Audience())

    assert isinstance(failure, StackStuckError)
    assert "Service (AWS::ECS::Service): deletion protection is on" == failure.why
    assert ["delete orders-dev-app"] == here.cloudformation.log


def test_a_busy_stack_is_waited_for_before_it_is_deleted(here: World) -> None:
    found = here.cloudformation._find("orders-dev-app")
    assert found is not None
    found["StackStatus"] = "UPDATE_IN_PROGRESS"
    here.cloudformation.ahead[found["StackId"]] = ["UPDATE_COMPLETE"]

    assert destroy.destroy(here.context, Audience()) is None


def test_nothing_is_destroyed_while_a_deploy_runs(here: World) -> None:
    here.ssm.put_parameter(Name="/slipway/orders/dev/lock", Value="{}", Type="String", Overwrite=False)

    with pytest.raises(BusyError):
        destroy.destroy(here.context, Audience())

    assert [] == here.cloudformation.log
