from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
from docker.errors import ImageNotFound

from local_aws.host import base_images as module
from local_aws.host.base_images import (
    PYTHON_FROM_REGISTRY,
    RECIPE_LABEL,
    base_images,
    database_image,
    image_error,
    python_image,
)
from local_aws.host.distribution import Distribution
from local_aws.host.image_recipes import DATABASE, PYTHON, mmdebstrap_command

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


class Docker:
    """An engine. there: its images by name with their labels; pulled: what it was told to pull."""

    def __init__(self, *there):
        self.images = self
        self.there = {name: {} for name in there}
        self.pulled = []

    def get(self, name):
        if name not in self.there:
            raise ImageNotFound(name)
        return SimpleNamespace(labels=self.there[name])

    def pull(self, name):
        self.pulled.append(name)
        self.there[name] = {}


@pytest.fixture
def machine(monkeypatch):
    """A Debian machine. registry: whether one answers; built: what was built of packages."""
    state = SimpleNamespace(registry=False, built=[])

    def build(client, recipe, distribution):
        state.built.append(recipe)
        client.there[recipe.tag("bookworm")] = {RECIPE_LABEL: recipe.fingerprint("bookworm")}
        return recipe.tag("bookworm")

    monkeypatch.setattr(module, "this_distribution", lambda: BOOKWORM)
    monkeypatch.setattr(module, "registry_answers", lambda _: state.registry)
    monkeypatch.setattr(module, "alone_on_this_machine", lambda *_: nullcontext())
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    monkeypatch.setattr(module, "_build", build)
    return state


def nothing(_):
    return None


@pytest.mark.parametrize("registry", [True, False])
def test_both_images_come_from_where_they_can(machine, registry):
    machine.registry = registry
    docker = Docker()

    images = base_images(docker, nothing)

    assert (None if registry else PYTHON.tag("bookworm")) == images.python
    assert ("mysql:8.4" if registry else DATABASE.tag("bookworm")) == images.database
    assert ([PYTHON_FROM_REGISTRY, "mysql:8.4"] if registry else []) == docker.pulled
    assert ([] if registry else [PYTHON, DATABASE]) == machine.built


def test_a_mysql_image_that_somebody_loaded_says_nothing_about_python(machine):
    images = base_images(Docker("mysql:8.4"), nothing)

    assert ("mysql:8.4", PYTHON.tag("bookworm")) == (images.database, images.python)
    assert [PYTHON] == machine.built


def test_the_image_that_the_dockerfile_names_is_taken_where_it_is_there(machine, tmp_path):
    (tmp_path / "Dockerfile").write_text("# syntax\nARG BASE_IMAGE=python:3.14\nFROM ${BASE_IMAGE}\n")

    assert python_image(Docker("python:3.14"), nothing, tmp_path / "Dockerfile") is None
    assert PYTHON.tag("bookworm") == python_image(Docker(), nothing, tmp_path / "Dockerfile")


def test_a_databases_kind_stays_whatever_else_can_be_had_by_now(machine):
    mariadb = DATABASE.tag("bookworm")
    machine.registry = True
    docker = Docker("mysql:8.4")

    assert mariadb == database_image(docker, nothing, kept=mariadb)
    assert [DATABASE] == machine.built

    machine.registry = False
    docker = Docker(mariadb)

    assert "mysql:8.4" == database_image(docker, nothing, kept="mysql:8.4")
    assert ["mysql:8.4"] == docker.pulled


def test_a_databases_image_that_is_still_there_is_used_as_it_is(machine):
    before = DATABASE.tag("bullseye")

    assert before == database_image(Docker(before), nothing, kept=before)
    assert [] == machine.built


def test_a_new_database_takes_what_is_there(machine):
    assert "mysql:8.4" == database_image(Docker("mysql:8.4"), nothing)
    assert [] == machine.built
