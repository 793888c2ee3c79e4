"""Where images are built on the locally made base image: in every rehearsal, and never for AWS."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.cli import connect
from tests.support.small_project import write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def images_asked_for() -> list[str]:
    """What base_image asks a Docker engine for that has every image."""
    asked: list[str] = []

    def get(name: str) -> SimpleNamespace:
        asked.append(name)
        return SimpleNamespace(labels={})

    docker = SimpleNamespace(images=SimpleNamespace(get=get))
    connect.base_image(connect.open_environment("dev"))(docker, lambda _: None)
    return asked


def test_an_empty_region_in_the_environment_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")

    assert "eu-west-1" == connect.open_environment("dev").aws.region


def test_what_goes_to_aws_is_built_on_the_base_image_that_the_dockerfile_names(here: Path) -> None:
    assert [] == images_asked_for()


def test_a_rehearsal_of_an_aws_environment_may_use_the_locally_made_base_image(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")

    assert ["python:3.13-slim-bookworm"] == images_asked_for()
