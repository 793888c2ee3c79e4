"""`.ci/check`: every gate is run whatever the one before it said, with the tools of the checkout only."""

import os
import shutil
import subprocess
import sys
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

    assert (0, 12) == (code, said.count("ok    "))


def test_the_shell_in_workflows_is_checked_on_a_machine_without_shellcheck(checkout: Path) -> None:
    check(checkout)

    assert "actionlint -shellcheck .venv/bin/shellcheck" in asked(checkout)


def test_awss_validator_gets_every_template(checkout: Path) -> None:
    check(checkout)

    assert "python .ci/validate_templates.py infra/a.yaml" in asked(checkout)


def test_every_dockerfile_is_linted(checkout: Path) -> None:
    check(checkout)

    assert "hadolint app/Dockerfile" in asked(checkout)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_says_no_fails_its_gate_and_the_others_still_run(checkout: Path, name: str) -> None:
    tool(checkout / ".venv/bin" / name, "echo it is wrong; exit 1")

    code, said = check(checkout)

    gates = said.count("ok    ") + said.count("FAIL  ")
    assert (1, 12) == (code, gates)
    assert "      it is wrong" in said


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_is_not_there_fails_its_gate(checkout: Path, name: str) -> None:
    (checkout / ".venv/bin" / name).unlink()

    code, said = check(checkout)

    assert 1 == code
    assert f".venv/bin/{name}" in said


GROUP = "Resources: {Logs: {Type: 'AWS::Logs::LogGroup', DeletionPolicy: Delete, UpdateReplacePolicy: Delete"


@pytest.fixture
def validator(tmp_path: Path) -> Path:
    """A copy of AWS's validator as a gate, whose exceptions are those of a template `a` that needs none."""
    script = tmp_path / "validate_templates.py"
    shutil.copy(ROOT / ".ci/validate_templates.py", script)
    (tmp_path / "cloudformation-validate.yaml").write_text("{}")
    return script


def validate(script: Path, template: str) -> tuple[int, str]:
    file = script.with_name("a.yaml")
    file.write_text(template)
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_awss_validator_takes_a_good_template_and_names_what_is_wrong_with_another(validator: Path) -> None:
    good, said = validate(validator, f"{GROUP}, Properties: {{RetentionInDays: 7}}}}}}")
    bad, complaint = validate(validator, f"{GROUP}, Properties: {{RetentionInDays: 8}}}}}}")

    assert (0, "", 1) == (good, said.strip(), bad)
    assert "a.yaml:1: " in complaint
    assert "Logs Properties.RetentionInDays: 8 is not one of" in complaint


def test_an_exception_lets_its_finding_through_and_fails_once_nothing_needs_it(validator: Path) -> None:
    wrong, right = (f"{GROUP}, Properties: {{RetentionInDays: {days}}}}}}}" for days in (8, 7))
    place = validate(validator, wrong)[1].partition("a.yaml:1: ")[2].partition(": 8 is")[0]
    validator.with_name("cloudformation-validate.yaml").write_text(f"a: {{'{place}': why}}")

    excepted, _ = validate(validator, wrong)
    unneeded, said = validate(validator, right)

    assert (0, 1) == (excepted, unneeded)
    assert f"{place}: nothing needs this exception" in said


def test_a_template_that_awss_validator_can_not_read_fails_the_gate(validator: Path) -> None:
    code, said = validate(validator, "Resources: [")

    assert 0 != code
    assert said.strip()
