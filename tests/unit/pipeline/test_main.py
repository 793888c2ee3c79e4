"""The command line: what is refused before AWS is asked, and how everything ends in one exit code."""

import errno
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from pipeline import __main__ as edge
from pipeline.cli import commands, connect
from pipeline.errors import UsageError
from tests.support.command import run
from tests.support.small_project import world, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_unknown_environment_exits_with_2_and_names_the_known_ones(here: Path) -> None:
    code, said = run("deploy", "prod")

    assert 2 == code
    assert "known are dev" in said


def test_a_directory_without_a_project_exits_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert 2 == run("deploy", "dev")[0]


def test_a_subdirectory_of_the_project_will_do(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "infra")

    assert "known are dev" in run("deploy", "prod")[1]


def test_another_app_must_have_a_dockerfile(here: Path) -> None:
    code, said = run("deploy", "dev", "--app", "infra")

    assert 2 == code
    assert "there is no Dockerfile in infra" in said


def test_destroy_wants_the_environments_name(here: Path) -> None:
    code, said = run("destroy", "dev")

    assert 15 == code
    assert "python -m pipeline destroy dev --confirm dev" in said


def test_a_protected_environment_is_refused_even_when_confirmed(here: Path) -> None:
    file = here / "infra/environments/dev.yaml"
    file.write_text(file.read_text() + "protected: true\n")

    code, said = run("destroy", "dev", "--confirm", "dev")

    assert 15 == code
    assert "dev is protected" in said


def test_another_region_in_the_environment_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    code, said = run("plan", "dev")

    assert 2 == code
    assert "AWS_REGION is us-east-1, but infra/environments/dev.yaml says eu-west-1" in said


def test_a_local_environment_without_a_local_aws_says_make_up(here: Path) -> None:
    file = here / "infra/environments/dev.yaml"
    file.write_text(file.read_text().replace("target: aws", "target: local"))

    code, said = run("status", "dev")

    assert 17 == code
    assert "make up" in said


def test_an_interruption_exits_with_130_and_names_what_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connect, "guarded", interrupted)

    code, said = run("status", "dev")

    assert 130 == code
    assert "it carries on where this one stopped" in said


def test_an_interruption_is_a_json_document_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connect, "guarded", interrupted)

    run("status", "dev", "--json")

    assert 130 == json.loads(capsys.readouterr().out)["error"]["exit_code"]


def test_a_fault_of_slipway_itself_exits_with_70_and_is_not_hidden(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(connect, "guarded", broken)

    code, said = run("status", "dev")

    assert 70 == code
    assert "KeyError: 'a bug'" in said
    assert "in broken" in said
    assert "report it" in said


def test_a_full_disk_anywhere_exits_with_8(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(connect, "guarded", full)

    code, said = run("status", "dev")

    assert 8 == code
    assert "the disk is full" in said
    assert "Traceback" not in said


def test_json_is_one_document_also_when_it_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = run("plan", "prod", "--json")

    assert code == json.loads(capsys.readouterr().out)["error"]["exit_code"]


def test_status_as_json_is_one_document(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = world(here).deployed().context
    monkeypatch.setattr(connect, "guarded", lambda _: context)

    assert 0 == run("status", "dev", "--json")[0]
    assert "dev" == json.loads(capsys.readouterr().out)["environment"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.parser().parse_args(["--help"])

    said = capsys.readouterr().out
    for command in ("plan", "deploy", "rollback", "status", "smoke", "logs", "destroy", "local"):
        assert command in said


def test_a_second_ctrl_c_while_the_first_is_told_leaves_no_traceback(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LeftError(Exception):
        pass

    def twice(*_: object) -> int:
        raise KeyboardInterrupt

    def leave(code: int) -> None:
        raise LeftError(code)

    monkeypatch.setattr(sys, "argv", ["slipway", "status", "dev"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(edge, "main_inner", twice)
    monkeypatch.setattr(os, "_exit", leave)

    with pytest.raises(LeftError) as left:
        edge.main()

    assert (130,) == left.value.args


def test_a_strategy_of_this_time_stands_before_the_files(here: Path) -> None:
    template = here / "infra/app.yaml"
    template.write_text(
        template.read_text().replace(
            "Parameters:\n", "Parameters:\n  DeploymentStrategy: {Type: String, Default: A}\n"
        )
    )

    assert (
        "LINEAR" == connect.open_environment("dev", None, "LINEAR").nodes["app"].given["DeploymentStrategy"]
    )
    assert "A" == connect.open_environment("dev", None, "").nodes["app"].given["DeploymentStrategy"]


def test_deploy_takes_the_strategy_from_the_command_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def opened(*words: object) -> None:
        asked.append(words)
        raise UsageError("that will do")

    monkeypatch.setattr(connect, "open_environment", opened)
    run("deploy", "dev", "--strategy", "CANARY")

    assert [("dev", None, "CANARY")] == asked


def test_an_unknown_strategy_is_a_fault_of_the_command_line(here: Path) -> None:
    with pytest.raises(SystemExit) as left:
        run("deploy", "dev", "--strategy", "ALL_AT_ONCE")

    assert 2 == left.value.code


def test_deploy_with_an_image_that_is_empty_builds_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = world(here).deployed().context
    monkeypatch.setattr(connect, "open_environment", lambda *_: context)

    code, said = run("deploy", "dev", "--image", "")

    assert 9 == code
    assert "does not name an image by its digest" in said


def test_whether_it_is_meant_can_be_asked_alone(here: Path) -> None:
    assert 0 == run("destroy", "dev", "--confirm", "dev", "--only-ask")[0]
    assert 15 == run("destroy", "dev", "--confirm", "prod", "--only-ask")[0]
