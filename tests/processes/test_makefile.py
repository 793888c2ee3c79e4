"""Set-up by make: what is missing is named, and what was cut short is made again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def make(checkout: Path, *words: str) -> tuple[int, str]:
    private = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    path = f"{checkout / 'bin'}:{private['PATH']}"
    done = subprocess.run(
        ["make", *words],
        cwd=checkout,
        env={**private, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def program(checkout: Path, name: str, script: str) -> Path:
    file = checkout / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_help_lists_every_target_that_is_no_file(checkout: Path) -> None:
    (phony,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")]

    code, said = make(checkout, "help")

    assert 0 == code
    assert sorted(phony.split()[1:]) == sorted(line.split()[1] for line in said.splitlines())


def test_a_virtual_environment_whose_making_was_killed_is_made_again(checkout: Path) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to("/usr/bin/python3")

    _, said = make(checkout, "--dry-run", "up")

    assert "-m venv .venv" in said


def test_a_virtual_environment_that_is_there_is_kept(checkout: Path) -> None:
    for name in ("pip", "python"):
        program(checkout / ".venv", name, "exit 1")
    (checkout / ".venv/local.stamp").touch()

    _, said = make(checkout, "--dry-run", "up")

    assert "-m venv" not in said
    assert "pip install" not in said


def test_another_name_for_the_service_installs_nothing_again(checkout: Path) -> None:
    for name in ("pip", "python"):
        program(checkout / ".venv", name, "exit 1")
    for stamp in ("local", "pipeline"):
        (checkout / f".venv/{stamp}.stamp").touch()
    os.utime(checkout / "pyproject.toml", (2**31 - 1, 2**31 - 1))

    _, said = make(checkout, "--dry-run", "up", "setup")

    assert "pip install" not in said


def test_a_python_that_is_too_old_is_named_with_its_version(checkout: Path) -> None:
    old = program(checkout, "python3.9", 'test "$1" = -V && echo Python 3.9.2')

    code, said = make(checkout, "up", f"PYTHON={old}")

    assert 2 == code
    assert f"Slipway needs Python 3.11 or newer; '{old}' is Python 3.9.2" in said


@pytest.fixture
def bare(checkout: Path) -> Path:
    """A Python as Debian's, Ubuntu's and deadsnakes' are without their -venv package."""
    answers = "*ensurepip*) exit 1;; *version_info?1?*) echo python3.12-venv;;"
    return program(checkout, "python3.12", f'case "$2" in {answers} esac')


def test_without_the_venv_module_and_without_root_the_package_of_this_python_is_named(
    checkout: Path, bare: Path
) -> None:
    program(checkout, "id", "echo 1000")

    code, said = make(checkout, "up", f"PYTHON={bare}")

    assert 2 == code
    assert "sudo apt-get install python3.12-venv\n" in said


def test_with_root_the_venv_module_of_this_python_is_installed(checkout: Path, bare: Path) -> None:
    program(checkout, "id", "echo 0")
    program(checkout, "apt-get", 'echo "$*" >> asked')

    _, said = make(checkout, ".venv/bin/pip", f"PYTHON={bare}")

    asked = (checkout / "asked").read_text().splitlines()
    assert ["-qq update", "-qq install -y python3.12-venv"] == asked
    assert "Installing python3.12-venv" in said
