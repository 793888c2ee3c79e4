"""The image is found by its content, and built only when nobody has it."""

from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import urllib3

from pipeline.errors import DockerError
from pipeline.image import build as image
from pipeline.image import image_step, registry
from tests.support.fakes import FakeAws
from tests.support.small_project import DIGEST, REPOSITORY, World, world


class FakeEngine:
    """Builds and pushes anything."""

    def __init__(self) -> None:
        self.build_args: dict[str, str] = {}
        self.platform: str | None = None
        self.api = self

    def build(self, **request: Any) -> Any:
        self.build_args, self.platform = request["buildargs"], request["platform"]
        return iter([{"aux": {"ID": "sha256:local"}}])

    def tag(self, *_: str) -> bool:
        return True

    def push(self, *_: str, **__: Any) -> Any:
        return iter([{"aux": {"Digest": DIGEST}}])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in ("SLIPWAY_BASE_IMAGE", *image_step._CA_VARIABLES, *image_step._PROXY_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    return world(tmp_path)


def with_architecture(here: World, architecture: str) -> World:
    file = here.context.project.templates / "app.yaml"
    parameter = f"  CpuArchitecture: {{Type: String, Default: {architecture}}}\nResources:\n"
    file.write_text(file.read_text().replace("Resources:\n", parameter))
    return here.reread()


@pytest.mark.parametrize(("architecture", "platform"), [("X86_64", "linux/amd64"), ("ARM64", "linux/arm64")])
def test_an_image_for_aws_is_built_for_the_processor_of_its_tasks_whatever_this_machine_has(
    here: World, monkeypatch: pytest.MonkeyPatch, architecture: str, platform: str
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(image_step, "docker_client", lambda: engine)
    here.ecr.images.clear()

    result = image_step.work(
        with_architecture(here, architecture).context, REPOSITORY, print, lambda _, __: None
    )

    assert platform == engine.platform
    assert image.content_tag(here.context.project.app, None, platform) == result.outputs["version"]


def test_a_rehearsal_builds_for_the_machine_it_runs_on(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAws, "on_this_machine", True)

    assert image_step.platform(with_architecture(here, "X86_64").context) is None


def no_engine() -> Any:
    raise AssertionError("Docker was asked")


def test_an_image_that_the_repository_has_needs_no_docker(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_step, "docker_client", no_engine)

    result = image_step.work(here.context, REPOSITORY, print, lambda _, __: "never")

    assert "unchanged" == result.word
    assert f"{REPOSITORY}@{DIGEST}" == result.outputs["ImageUri"]


def test_a_new_image_is_built_with_its_version_and_commit_and_pushed(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(image_step, "docker_client", lambda: engine)
    here.ecr.images.clear()

    result = image_step.work(here.context, REPOSITORY, print, lambda _, __: "base:1")

    tag = image.content_tag(here.context.project.app, None)
    assert ("built", tag) == (result.word, result.outputs["version"])
    assert {"SERVICE_VERSION": tag, "SERVICE_COMMIT": "unknown", "BASE_IMAGE": "base:1"} == engine.build_args


def test_a_base_image_that_somebody_names_is_used_and_counts_for_the_tag(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(image_step, "docker_client", lambda: engine)
    monkeypatch.setenv("SLIPWAY_BASE_IMAGE", "mine:1")

    result = image_step.work(here.context, REPOSITORY, print, lambda _, __: "never")

    assert "mine:1" == engine.build_args["BASE_IMAGE"]
    assert image.content_tag(here.context.project.app, None) != result.outputs["version"]


def test_without_an_engine_the_next_step_is_to_start_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")

    with pytest.raises(DockerError) as refused:
        image_step.docker_client()

    assert "start Docker" in refused.value.next_step


class FailingEngine(FakeEngine):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def build(self, **_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (
            docker.errors.APIError("500", explanation="Error processing tar file: no space left on device"),
            "the disk is full",
        ),
        (docker.errors.APIError("400", explanation="dockerfile parse error"), "did not finish the image"),
        (requests.exceptions.ConnectionError("Connection aborted"), "did not finish the image"),
        (urllib3.exceptions.ProtocolError("Connection broken"), "did not finish the image"),
        (docker.errors.StreamParseError("half a line"), "did not finish the image"),
    ],
)
def test_an_engine_that_refuses_or_goes_away_is_told_as_such(
    here: World, monkeypatch: pytest.MonkeyPatch, error: Exception, what: str
) -> None:
    monkeypatch.setattr(image_step, "docker_client", lambda: FailingEngine(error))
    here.ecr.images.clear()

    with pytest.raises(DockerError) as failed:
        image_step.work(here.context, REPOSITORY, print, lambda _, __: None)

    assert what in failed.value.what


def test_the_ca_bundle_is_the_first_that_is_a_file(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("CA")

    assert bundle == image_step.ca_bundle({"PIP_CERT": "/nonexistent", "SSL_CERT_FILE": str(bundle)})
    assert image_step.ca_bundle({}) is None


def test_the_repositorys_name_is_what_follows_its_host() -> None:
    assert "team/orders" == registry.repository_name(
        "000000000000.dkr.ecr.eu-west-1.amazonaws.com/team/orders"
    )
