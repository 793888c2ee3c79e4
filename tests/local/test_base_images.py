from dataclasses import replace

import docker
import pytest

from pipeline.local.base_images import base_images, image_error
from pipeline.local.distribution import Distribution
from pipeline.local.recipes import DATABASE, PYTHON, mmdebstrap_command

BOOKWORM = Distribution(
    "bookworm", has_packages=True, sources=("/etc/apt/x.sources",), apt_options=('A "b";',)
)


def test_a_changed_recipe_is_another_image():
    assert PYTHON.fingerprint("bookworm") == replace(PYTHON).fingerprint("bookworm")
    assert PYTHON.fingerprint("bookworm") != replace(PYTHON, packages=("python3",)).fingerprint("bookworm")
    assert PYTHON.fingerprint("bookworm") != PYTHON.fingerprint("trixie")


def test_packages_come_from_the_machines_own_sources(tmp_path):
    command = mmdebstrap_command(PYTHON, BOOKWORM, tmp_path, tmp_path / "root.tar")

    assert ["bookworm", str(tmp_path / "root.tar"), "/etc/apt/x.sources"] == command[-3:]
    assert '--aptopt=A "b";' in command


def test_the_database_image_carries_its_start_script_as_an_executable(tmp_path):
    command = mmdebstrap_command(DATABASE, BOOKWORM, tmp_path, tmp_path / "root.tar")

    assert f"--customize-hook=upload {tmp_path}/file-0 /usr/local/bin/slipway-database" in command
    assert 0o755 == (tmp_path / "file-0").stat().st_mode & 0o777


def test_a_full_disk_is_named_as_such():
    error = image_error("x could not be built", OSError("write: No space left on device"))

    assert "the disk is full" == error.what
    assert "prune" in error.next_step


@pytest.mark.docker
def test_the_python_image_can_make_virtual_environments():
    client = docker.from_env()
    image = base_images(client, print).python or "python:3.13-slim-bookworm"

    printed = client.containers.run(
        image,
        [
            "sh",
            "-c",
            "python3 -m venv /tmp/v && /tmp/v/bin/pip --version && python3 -c 'import ssl, sqlite3'",
        ],
        remove=True,
    )

    assert printed.startswith(b"pip ")


@pytest.mark.docker
def test_images_that_are_there_are_not_made_again():
    client = docker.from_env()
    base_images(client, print)
    said = []

    base_images(client, said.append)

    assert [] == said
