"""No command takes over a stack whose name only happens to be the same."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipeline.context import Context
from pipeline.errors import ProtectedError
from pipeline.inspect import plan
from pipeline.release import deploy, destroy, image_only, rollback
from pipeline.rollout.options import RolloutOptions
from tests.support.fakes import Audience
from tests.support.small_project import DIGEST, REPOSITORY, World, world

AA = {"service": "aa", "environment": "b-local", "managed-by": "slipway"}
OPTIONS = RolloutOptions()


def failed(failure: Exception | None) -> None:
    if failure is not None:
        raise failure


COMMANDS: dict[str, Callable[[Context], object]] = {
    "deploy": lambda c: failed(deploy.deploy(c, Audience(), lambda _, __: None).failure),
    "deploy --image": lambda c: failed(
        deploy.deploy(c, Audience(), lambda _, __: None, image_uri=f"{REPOSITORY}@{DIGEST}").failure
    ),
    "plan": lambda c: failed(plan.make(c, Audience()).failure),
    "destroy": lambda c: failed(destroy.destroy(c, Audience())),
    "rollback": lambda c: rollback.stop(c, print, OPTIONS),
}


def tag(world: World, stack: str, tags: Mapping[str, str]) -> None:
    found = world.cloudformation._find(stack)
    assert found is not None
    found["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.fixture
def taken(tmp_path: Path) -> World:
    """All stacks of the environment are there already, made by Slipway for another service."""
    made = world(tmp_path).deployed()
    for stack in [one["StackName"] for one in made.cloudformation.stacks.values()]:
        tag(made, stack, AA)
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_a_stack_of_another_service_with_the_same_name_is_refused(taken: World, command: str) -> None:
    secrets = set(taken.ssm.values)

    with pytest.raises(ProtectedError) as refused:
        COMMANDS[command](taken.context)

    assert "belongs to aa in b-local" in refused.value.what
    assert 15 == refused.value.exit_code
    assert [] == taken.cloudformation.log
    assert secrets == taken.ssm.values.keys() - {"/slipway/orders/dev/releases"}


@pytest.mark.parametrize(
    "tags", [AA, {**AA, "service": "orders"}, {"service": "orders", "managed-by": "slipway"}]
)
def test_neither_another_environment_nor_the_account_loses_a_stack(
    tmp_path: Path, tags: Mapping[str, str]
) -> None:
    here = world(tmp_path).deployed()
    tag(here, "orders-dev-vpc", tags)

    with pytest.raises(ProtectedError):
        COMMANDS["deploy"](here.context)

    assert "execute orders-dev-vpc" not in here.cloudformation.log


def test_the_stack_of_the_repository_is_no_other_services(tmp_path: Path) -> None:
    here = world(tmp_path).deployed()
    tag(here, "orders-ecr", {**AA, "service": "orders", "environment": "x"})

    with pytest.raises(ProtectedError, match="orders-ecr belongs to orders in x"):
        image_only.image_of(here.context, Audience(), lambda _, __: None)


def test_a_stack_that_was_only_tagged_as_slipways_is_taken_over(tmp_path: Path) -> None:
    here = world(tmp_path).deployed()
    tag(here, "orders-dev-vpc", {"managed-by": "slipway", "cost-centre": "7"})

    COMMANDS["plan"](here.context)


def beside(tmp_path: Path, service: str, environment: str) -> World:
    """An account in which nothing of ours is deployed, and something of another service or environment is."""
    here = world(tmp_path)
    here.cloudformation.have("theirs", "CREATE_COMPLETE")
    tag(here, "theirs", {"service": service, "environment": environment, "managed-by": "slipway"})
    return here


@pytest.mark.parametrize("command", ["deploy", "plan"])
@pytest.mark.parametrize(("service", "environment"), [("orders", "dev-eu"), ("orders-dev", "eu")])
def test_a_new_environment_whose_names_could_meet_anothers_is_refused(
    tmp_path: Path, command: str, service: str, environment: str
) -> None:
    here = beside(tmp_path, service, environment)

    with pytest.raises(ProtectedError, match=f"could meet those of {service} in {environment}"):
        COMMANDS[command](here.context)

    assert [] == here.cloudformation.log


@pytest.mark.parametrize(("service", "environment"), [("orders-d", "ev"), ("orders", "develop")])
def test_names_that_only_look_alike_may_be_neighbours(tmp_path: Path, service: str, environment: str) -> None:
    COMMANDS["plan"](beside(tmp_path, service, environment).context)


def test_an_environment_that_is_there_keeps_its_name_whatever_comes_beside_it(tmp_path: Path) -> None:
    here = world(tmp_path).deployed()
    here.cloudformation.have("theirs", "CREATE_COMPLETE")
    tag(here, "theirs", {"service": "orders", "environment": "dev-eu", "managed-by": "slipway"})

    COMMANDS["plan"](here.context)


def test_a_stack_in_review_has_no_tags_yet_and_is_anybodys(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.cloudformation.have("orders-dev-vpc", "REVIEW_IN_PROGRESS")

    COMMANDS["plan"](here.context)
