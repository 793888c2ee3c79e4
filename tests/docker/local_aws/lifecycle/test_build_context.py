"""The build context is, byte for byte, what the Docker command line makes of the same files."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from pipeline.errors import ImageError
from pipeline.image import build, build_context
from tests.support import fake_engine, ignore_files

SEVERAL_RULES = "# all but\n*\n!docs\n  docs/deep/*.pyc\n! /src/main.py\n!.dockerignore\n!link\n"
# The rules are those of the engine's own builder. A client with buildx would ask BuildKit.
CLIENT = {**os.environ, "DOCKER_BUILDKIT": "0"}


@pytest.fixture(scope="module")
def sent_by_docker(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[fake_engine.Ask]:
    with fake_engine.listening(tmp_path_factory.mktemp("engine") / "socket", CLIENT) as ask:
        yield ask


def test_each_ignore_file_leaves_what_docker_build_sends(
    sent_by_docker: fake_engine.Ask, tmp_path: Path
) -> None:
    wrong = []
    for ignore, _ in ignore_files.TAKEN_OUT:
        app = ignore_files.write(tmp_path, ignore)
        names = {path.as_posix() for path in build_context.read(app).sent}
        if names != sent_by_docker(app):
            wrong.append((ignore, names, sent_by_docker(app)))

    assert [] == wrong


def test_each_ignore_file_that_is_refused_is_one_that_docker_build_refuses(
    sent_by_docker: fake_engine.Ask, tmp_path: Path
) -> None:
    for ignore in ignore_files.REFUSED:
        app = ignore_files.write(tmp_path, ignore)
        assert sent_by_docker(app) is None
        with pytest.raises(ImageError):
            build_context.read(app)


@pytest.mark.parametrize("ignore", ["", SEVERAL_RULES, f"{SEVERAL_RULES}Dockerfile\n.dockerignore\n"])
def test_the_image_holds_what_docker_build_puts_there(engine: None, tmp_path: Path, ignore: str) -> None:
    app = ignore_files.write(tmp_path, ignore)
    client = docker.from_env()
    command = ["docker", "build", "--quiet", "--no-cache", str(app)]
    theirs = subprocess.run(command, env=CLIENT, check=True, capture_output=True, text=True).stdout.strip()
    ours = build.build(
        client.api, app, name="slipway/context-test", build_args={}, ca_bundle=None, log=lambda _: None
    )

    try:
        assert content_of(client, theirs) == content_of(client, ours)
    finally:
        for image in {theirs, ours}:
            client.images.remove(image, force=True)


def test_a_typo_in_the_dockerfile_is_told_with_its_line(engine: None, tmp_path: Path) -> None:
    app = ignore_files.write(tmp_path / "app", "")
    (app / "Dockerfile").write_text("FROM scratch\n\nCOPPY . /\n")

    with pytest.raises(ImageError) as refused:
        build.build(
            docker.from_env().api, app, name="slipway/context-test", build_args={}, ca_bundle=None, log=print
        )

    assert ("app/Dockerfile:3", 9) == (refused.value.where, refused.value.exit_code)
    assert "dockerfile parse error line 3: unknown instruction: COPPY" == refused.value.why


def content_of(client: Any, image: str) -> dict[str, tuple[bytes, str, bytes]]:
    """Name -> type, link target and bytes of what is in an image."""
    container = client.containers.create(image, "nothing")
    try:
        exported = io.BytesIO(b"".join(container.export()))
    finally:
        container.remove()
    with tarfile.open(fileobj=exported) as tar:
        return {
            one.name: (
                one.type,
                one.linkname,
                (tar.extractfile(one) or io.BytesIO()).read() if one.isreg() else b"",
            )
            for one in tar.getmembers()
        }
