"""A credential helper that Docker's configuration names and this machine does not have."""

import json
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from local_aws.host.base_images import registry_answers
from pipeline.errors import DockerError
from pipeline.image import build
from pipeline.image.docker_credentials import failures_told

pytestmark = pytest.mark.filterwarnings("ignore:docker-credential-nowhere")


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration, with a helper that is not there; no engine is asked."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"credsStore": "nowhere"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return file


def told(error: DockerError, file: Path) -> None:
    assert "docker-credential-nowhere not installed or not available in PATH" == error.why
    assert str(file) in error.next_step


def test_a_build_names_the_file_and_what_to_do(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    client = docker.APIClient(version="1.43")
    with pytest.raises(DockerError) as raised:
        build.build(client, tmp_path, name="x", build_args={}, ca_bundle=None, log=print)

    told(raised.value, configuration)


def test_looking_for_a_registry_names_the_file_and_what_to_do(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "from_env", lambda **_: docker.DockerClient(version="1.43"))
    with pytest.raises(DockerError) as raised:
        registry_answers()

    told(raised.value, configuration)


def test_any_other_error_stays_what_it_is() -> None:
    with pytest.raises(DockerException, match="something else"), failures_told():
        raise DockerException("something else")
