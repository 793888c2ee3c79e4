"""A secret is rotated in one command: a new value, and a release of the image in use with it."""

from pathlib import Path

import pytest

from pipeline import masking
from pipeline.errors import UsageError
from pipeline.release import deploy, rotation
from pipeline.release.deploy import Released
from pipeline.rollout.options import RolloutOptions
from tests.support.fakes import Audience
from tests.support.small_project import DIGEST, REPOSITORY, SECRET, World, answering_world, world


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = answering_world(tmp_path, monkeypatch)
    deploy.deploy(made.context, Audience(), lambda _, __: None)
    parameter = {"ParameterKey": "ImageUri", "ParameterValue": f"{REPOSITORY}@{DIGEST}"}
    made.cloudformation._find("orders-dev-app")["Parameters"] = [parameter]  # type: ignore[index]
    return made


def rotate(here: World, name: str = "password") -> tuple[Released, Audience]:
    audience = Audience()
    return rotation.rotate(here.context, audience, name, RolloutOptions()), audience


@pytest.mark.parametrize("name", ["password", SECRET])
def test_a_rotated_secret_reaches_its_stack_with_the_image_in_use(here: World, name: str) -> None:
    before = here.ssm.values[SECRET]["Value"]

    released, _ = rotate(here, name)

    assert released.failure is None
    assert f"{REPOSITORY}@{DIGEST}" == released.image
    assert before != here.ssm.values[SECRET]["Value"]
    assert "/password:2}}" in here.cloudformation._find("orders-dev-rds")["Body"]  # type: ignore[index]


def test_the_new_value_appears_nowhere_and_is_masked(here: World) -> None:
    _, audience = rotate(here)

    value = here.ssm.values[SECRET]["Value"]
    assert not [line for line in audience.lines if value in line]
    assert "***" == masking.masked(value, {})


def test_a_secret_that_is_gone_is_rotated_too(here: World) -> None:
    del here.ssm.values[SECRET]

    released, _ = rotate(here)

    assert released.failure is None
    assert "SecureString" == here.ssm.values[SECRET]["Type"]
    # It began with version 1 again, which is the one that the database has already.
    assert "/password:2}}" in here.cloudformation._find("orders-dev-rds")["Body"]  # type: ignore[index]


def test_a_name_that_no_template_declares_is_refused(here: World) -> None:
    with pytest.raises(UsageError) as refused:
        rotate(here, "pasword")

    assert 'did you mean "password"?' in refused.value.what
    assert [1] == [here.ssm.values[SECRET]["Version"]]


def test_where_nothing_is_deployed_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no service in dev"):
        rotate(world(tmp_path))
