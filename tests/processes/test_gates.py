"""`.ci/check`: every gate is run whatever the one before it said, with the tools of the checkout only."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import ROOT

TOOLS = (
    "ruff",
    "mypy",
    "lint-imports",
    "cfn-lint",
    "python",
    "actionlint",
    "zizmor",
    "shellcheck",
    "hadolint",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose tools all say yes, and write down what they were asked."""
    for place in (".ci", "app", "tests"):
        (tmp_path / place).mkdir()
    (tmp_path / "app/Dockerfile").touch()
    shutil.copy(ROOT / ".ci/check", tmp_path / ".ci")
    for name in TOOLS:
        tool(tmp_path / ".venv/bin" / name)
    tool(tmp_path / ".venv-checkov/bin/checkov")
    return tmp_path


def tool(file: Path, script: str = 'echo "$(basename "$0") $*" >> asked') -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def check(checkout: Path) -> tuple[int, str]:
    private = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    done = subprocess.run(
        [".ci/check", "infra/a.yaml"],
        cwd=checkout,
        env=private,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def asked(checkout: Path) -> list[str]:
    return (checkout / "asked").read_text().splitlines()


def test_all_gates_pass(checkout: Path) -> None:
    code, said = check(checkout)

    assert (0, 11) == (code, said.count("ok    "))


def test_the_shell_in_workflows_is_checked_on_a_machine_without_shellcheck(checkout: Path) -> None:
    check(checkout)

    assert "actionlint -shellcheck .venv/bin/shellcheck" in asked(checkout)


def test_every_dockerfile_is_linted(checkout: Path) -> None:
    check(checkout)

    assert "hadolint app/Dockerfile" in asked(checkout)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_says_no_fails_its_gate_and_the_others_still_run(checkout: Path, name: str) -> None:
    tool(checkout / ".venv/bin" / name, "echo it is wrong; exit 1")

    code, said = check(checkout)

    gates = said.count("ok    ") + said.count("FAIL  ")
    assert (1, 11) == (code, gates)
    assert "      it is wrong" in said


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_is_not_there_fails_its_gate(checkout: Path, name: str) -> None:
    (checkout / ".venv/bin" / name).unlink()

    code, said = check(checkout)

    assert 1 == code
    assert f".venv/bin/{name}" in said
