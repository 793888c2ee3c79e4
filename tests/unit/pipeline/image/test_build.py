"""The image's tag follows its content, and a failed build ends with the build's own last words."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from pipeline.errors import DockerError, ImageError
from pipeline.image import build as image


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "main.py").write_text("print()\n")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/todo.txt").write_text("tea\n")
    return tmp_path


class FakeDocker:
    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = answers
        self.request: dict[str, Any] = {}

    def build(self, **request: Any) -> Iterable[dict[str, Any]]:
        self.request = request
        return iter(self.answers)


def build(docker: FakeDocker, app: Path, ca_bundle: Path | None = None) -> tuple[str, list[str]]:
    said: list[str] = []
    built = image.build(
        docker,
        app,
        name="orders:1",
        build_args={"SERVICE_VERSION": "1"},
        ca_bundle=ca_bundle,
        platform="linux/amd64",
        log=said.append,
    )
    return built, said


def context_of(docker: FakeDocker) -> dict[str, tuple[int, bytes]]:
    unzipped = gzip.decompress(docker.request["fileobj"].getvalue())
    with tarfile.open(fileobj=io.BytesIO(unzipped)) as tar:
        return {m.name: (m.mode, (tar.extractfile(m) or io.BytesIO()).read()) for m in tar.getmembers()}


GOOD = ({"stream": "Step 1/1 : FROM scratch\n"}, {"aux": {"ID": "sha256:abc"}})


def test_the_tag_is_twelve_hex_digits_and_the_same_for_the_same_content(app: Path) -> None:
    first = image.content_tag(app, None)
    os.utime(app / "main.py", (1, 1))

    assert 12 == len(first)
    assert first == image.content_tag(app, None)


def test_content_name_x_bit_and_platform_each_make_another_tag(app: Path) -> None:
    tags = [image.content_tag(app, None)]
    (app / "main.py").write_text("print(1)\n")
    tags.append(image.content_tag(app, None))
    (app / "main.py").rename(app / "other.py")
    tags.append(image.content_tag(app, None))
    (app / "other.py").chmod(0o755)
    tags.append(image.content_tag(app, None))
    tags.append(image.content_tag(app, "debian:12"))
    tags.append(image.content_tag(app, None, "linux/arm64"))

    assert 6 == len(set(tags))


def test_on_the_platform_that_fargate_has_by_default_the_tag_is_the_plain_one(app: Path) -> None:
    assert image.content_tag(app, None) == image.content_tag(app, None, "linux/amd64")


def test_what_dockerignore_leaves_out_counts_for_nothing(app: Path) -> None:
    (app / ".dockerignore").write_text("# a comment\nnotes\n**/*.pyc\n")
    before = image.content_tag(app, None)
    (app / "notes/todo.txt").write_text("coffee\n")
    (app / "main.pyc").write_text("x")

    assert before == image.content_tag(app, None)
    assert [Path(".dockerignore"), Path("Dockerfile"), Path("main.py")] == image.source_files(app)


def test_an_app_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        image.content_tag(tmp_path, None)


def test_the_build_is_given_sources_arguments_and_the_ca_bundle(app: Path, tmp_path_factory: Any) -> None:
    bundle = tmp_path_factory.mktemp("ca") / "ca.crt"
    bundle.write_text("CA")
    docker = FakeDocker(*GOOD)

    built, said = build(docker, app, bundle)

    assert "sha256:abc" == built
    assert ["Step 1/1 : FROM scratch"] == said
    assert {"SERVICE_VERSION": "1"} == docker.request["buildargs"]
    assert "linux/amd64" == docker.request["platform"]
    assert {
        "Dockerfile": (0o644, b"FROM scratch\n"),
        "main.py": (0o644, b"print()\n"),
        "notes": (0o755, b""),
        "notes/todo.txt": (0o644, b"tea\n"),
        ".ca-bundle.crt": (0o644, b"CA"),
    } == context_of(docker)


def test_the_context_has_the_same_bytes_every_time(app: Path) -> None:
    docker = FakeDocker(*GOOD)
    build(docker, app)
    first = docker.request["fileobj"].getvalue()
    os.utime(app / "main.py", (1, 1))
    build(docker, app)
    time_in_gzips_header = first[4:8]

    assert bytes(4) == time_in_gzips_header
    assert first == docker.request["fileobj"].getvalue()


REFUSED = [
    ("FROM scratch\n\nCOPPY . /\n", "dockerfile parse error line 3: unknown instruction: COPPY", ":3"),
    ("FROM scratch\nENV a\n", "failed to parse Dockerfile: ENV must have two arguments", ":2"),
    ("FROM scratch\nENV a\nENV b\n", "failed to parse Dockerfile: ENV must have two arguments", ""),
    ("", "the Dockerfile (Dockerfile) cannot be empty", ""),
]


def refusing(status: int, explanation: str) -> FakeDocker:
    class Refusing(FakeDocker):
        def build(self, **_: Any) -> Iterable[dict[str, Any]]:
            response = requests.Response()
            response.status_code = status
            yield from ()  # the SDK raises when the first answer is read
            raise docker.errors.APIError("refused", response, explanation)

    return Refusing()


@pytest.mark.parametrize(("dockerfile", "words", "line"), REFUSED)
def test_a_dockerfile_that_the_engine_refuses_is_the_images_fault_with_its_line(
    app: Path, dockerfile: str, words: str, line: str
) -> None:
    (app / "Dockerfile").write_text(dockerfile)

    with pytest.raises(ImageError) as refused:
        build(refusing(400, words), app)

    assert 9 == refused.value.exit_code
    assert (f"{app.name}/Dockerfile{line}", words) == (refused.value.where, refused.value.why)
    assert refused.value.what.endswith(f"refuses {app.name}/Dockerfile{line}")
    assert "mend the Dockerfile and run the command again" == refused.value.next_step


def test_an_engine_that_fails_is_not_the_dockerfiles_fault(app: Path) -> None:
    with pytest.raises(docker.errors.APIError):
        build(refusing(500, "containerd is not there"), app)


def test_a_step_that_fails_is_told_with_its_line(app: Path) -> None:
    (app / "Dockerfile").write_text("FROM scratch\nRUN one \\\n  two\nCOPY nope /\n")
    steps = ({"stream": f"Step {step}\n"} for step in ("1/3 : FROM scratch", "2/3 : RUN one   two"))

    with pytest.raises(ImageError) as failed:
        build(FakeDocker(*steps, {"error": "two is not there"}), app)

    assert f"{app.name}/Dockerfile:2" == failed.value.where


def test_a_failed_build_ends_with_its_last_lines(app: Path) -> None:
    docker = FakeDocker(*({"stream": f"line {i}\n"} for i in range(40)), {"error": "pip returned 1"})

    with pytest.raises(ImageError) as failed:
        build(docker, app)

    assert "pip returned 1" == failed.value.why
    assert "line 39" == failed.value.details[-1]
    assert 25 == len(failed.value.details)


@pytest.mark.parametrize(
    "answers",
    [
        [{"error": "write /var/lib/docker/x: no space left on device"}],
        [{"stream": "OSError: [Errno 28] No space left on device\n"}, {"error": "pip returned 1"}],
    ],
)
def test_a_full_disk_is_told_as_such(app: Path, answers: list[dict[str, Any]]) -> None:
    with pytest.raises(DockerError) as failed:
        build(FakeDocker(*answers), app)

    assert "the disk is full" == failed.value.what
    assert "docker system prune" in failed.value.next_step
