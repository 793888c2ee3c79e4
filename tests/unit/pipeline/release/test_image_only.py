"""The image alone: the repository it needs and nothing of an environment's."""

from pathlib import Path

import pytest

from pipeline.config import environment
from pipeline.config.environment import Environment
from pipeline.errors import ImageError, StackFailedError, TemplateError, WrongAccountError
from pipeline.release import image_only
from tests.support.fakes import Audience, FakeSts
from tests.support.small_project import DIGEST, REPOSITORY, World, world


@pytest.fixture
def here(tmp_path: Path) -> World:
    return world(tmp_path)


def image_of(here: World) -> image_only.Built:
    return image_only.image_of(here.context, Audience(), lambda _, __: None)


def test_only_the_repository_is_made_before_the_image(here: World) -> None:
    built = image_of(here)

    assert ["create_change_set CREATE orders-ecr", "execute orders-ecr"] == here.cloudformation.log
    assert f"{REPOSITORY}@{DIGEST}" == built.image
    assert (REPOSITORY, DIGEST) == (built.name, built.digest)
    assert "unchanged" == built.word


def test_a_second_time_asks_for_no_change_set(here: World) -> None:
    image_of(here)
    here.cloudformation.log.clear()

    image_of(here)

    assert [] == here.cloudformation.log


def test_the_repositorys_stack_of_an_old_commit_is_left_as_it_is(here: World) -> None:
    image_of(here)
    here.cloudformation.log.clear()
    template = here.context.project.templates / "ecr.yaml"
    template.write_text(template.read_text() + "# as it was\n")

    built = image_only.image_of(here.reread().context, Audience(), lambda _, __: None, leave_stacks=True)

    assert [] == here.cloudformation.log
    assert DIGEST == built.digest


def test_nothing_of_an_environments_is_touched_in_ssm_either(here: World) -> None:
    image_of(here)

    assert {"/slipway/orders/deployed"} == set(here.ssm.values)


def test_the_wrong_account_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    here = world(tmp_path, sts=FakeSts("9" * 12))

    with pytest.raises(WrongAccountError):
        image_of(here)

    assert [] == here.cloudformation.log


def test_a_repository_that_can_not_be_made_is_the_failure(here: World) -> None:
    here.cloudformation.next_ends["orders-ecr"] = ["ROLLBACK_COMPLETE"]

    with pytest.raises(StackFailedError):
        image_of(here)


def test_templates_that_ask_for_no_image_have_nothing_to_build(here: World) -> None:
    (here.context.project.templates / "app.yaml").unlink()

    with pytest.raises(TemplateError, match="no template asks for an image"):
        image_of(here.reread())


def named(name: str, account: str, region: str = "eu-west-1") -> Environment:
    return Environment(name=name, target="aws", account=account, region=region)


def test_environments_of_one_account_and_region_share_the_repository() -> None:
    image_only.must_share(named("dev", "1" * 12), named("prod", "1" * 12))


@pytest.mark.parametrize("other", [named("prod", "2" * 12), named("prod", "1" * 12, "us-east-1")])
def test_another_account_or_region_has_another_repository(other: Environment) -> None:
    with pytest.raises(ImageError, match="prod can't release what dev builds"):
        image_only.must_share(named("dev", "1" * 12), other)


def test_an_environment_without_an_account_yet_holds_nobody_up() -> None:
    image_only.must_share(named("dev", "1" * 12), named("prod", environment.PLACEHOLDER_ACCOUNT))
