"""identity and bootstrap at the command line: what a workflow reads, and what is refused at once."""

from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.small_project import write


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


ROLES = [
    "deploy-role=arn:aws:iam::000000000000:role/orders-dev-deploy",
    "plan-role=arn:aws:iam::000000000000:role/orders-plan",
    "registry-role=arn:aws:iam::000000000000:role/orders-registry",
    "regional-role=arn:aws:iam::000000000000:role/orders-regional-deploy",
    "region=eu-west-1",
    "account=000000000000",
]


def test_a_workflow_reads_its_roles_as_step_outputs(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "outputs"))

    code, _ = run("identity", "dev")

    assert 0 == code
    assert ROLES == (here / "outputs").read_text().splitlines()
    assert ROLES == capsys.readouterr().out.splitlines()


def test_what_is_refused_is_said_in_the_log_and_is_no_output(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "outputs"))

    code, said = run("identity", "prod")

    assert 2 == code
    assert "known are dev" in said
    assert not (here / "outputs").exists()


@pytest.mark.parametrize("command", ["identity", "bootstrap"])
def test_an_unknown_environment_is_refused(command: str) -> None:
    code, said = run(command, "prod")

    assert 2 == code
    assert "known are dev" in said


def test_bootstrap_wants_to_know_the_repository() -> None:
    code, said = run("bootstrap", "dev")

    assert 2 == code
    assert "REPOSITORY=organization/repository" in said


def test_bootstrap_refuses_environments_that_would_reach_each_other(here: Path) -> None:
    dev = here / "infra/environments/dev.yaml"
    (here / "infra/environments/dev-eu.yaml").write_text(dev.read_text())

    code, said = run("bootstrap", "dev", "--repository", "acme/shop")

    assert 2 == code
    assert "the role of dev would reach dev-eu too" in said


def test_a_service_whose_name_is_too_long_for_launches_in_other_regions_may_not_have_their_role(
    here: Path,
) -> None:
    file = here / "pyproject.toml"
    file.write_text(file.read_text().replace('"orders"', '"fifteen-letters"'))

    _, with_dev = run("bootstrap", "dev")
    code, with_regional = run("bootstrap", "dev", "--regional")

    assert 2 == code
    assert "too long together" not in with_dev
    assert "the names fifteen-letters and regional are too long together" in with_regional
