"""Every command that changes or tests something leaves its page in the job summary, however it ends."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline import __main__ as edge
from pipeline.cli import commands, connect
from pipeline.release import rollback
from pipeline.rollout.options import RolloutOptions
from pipeline.rollout.record import RolloutRecord, StageEntry
from tests.support import command
from tests.support.small_project import World, answering_world
from tests.unit.pipeline.release.test_deploy import FakeSession


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = answering_world(tmp_path, monkeypatch)
    monkeypatch.setattr(connect, "open_environment", lambda *_: made.context)
    monkeypatch.setattr(connect, "guarded", lambda *_: made.context)
    monkeypatch.setattr(connect, "base_image", lambda _: lambda *_: None)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    monkeypatch.chdir(tmp_path)
    return made


def run(*words: str) -> tuple[int, str]:
    code, _ = command.run(*words)
    return code, Path("summary.md").read_text()


def test_a_deploy_shows_url_version_stacks_and_timeline(here: World) -> None:
    code, page = run("deploy", "dev")

    assert 0 == code
    assert page.startswith("## ✅ deploy dev\n\n**URL** <http://lb> · **version** `")
    assert "| `rds` | created | " in page
    assert "```mermaid\ngantt\n" in page
    assert "| ✅ | the service answers |" in page


def test_a_deploy_that_fails_says_why_first_and_keeps_no_secret(here: World) -> None:
    here.cloudformation.next_ends["orders-dev-rds"] = ["ROLLBACK_COMPLETE"]
    here.cloudformation.failures = [("Database", "AWS::RDS::DBInstance", "no capacity")]

    code, page = run("deploy", "dev")

    secret = here.ssm.values["/orders/dev/password"]["Value"]
    assert 10 == code
    assert page.startswith(
        "## ❌ deploy dev failed\n\n> [!CAUTION]\n> **stack orders-dev-rds ended in ROLLBACK\\_COMPLETE**: "
        "Database (AWS::RDS::DBInstance): no capacity"
    )
    assert "> At `infra/rds.yaml:3`" in page
    assert "| `app` | ⏭️ not started |  |" in page
    assert secret not in page


def test_every_resource_that_failed_has_its_annotation(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    here.cloudformation.next_ends["orders-dev-rds"] = ["ROLLBACK_COMPLETE"]
    here.cloudformation.failures = [
        ("Database", "AWS::RDS::DBInstance", "no capacity"),
        ("Extra", "AWS::A::B", "no, either"),
        ("Later", "AWS::A::B", "Resource creation cancelled"),
    ]
    out = Console(file=io.StringIO(), width=200)

    edge.main_inner(commands.parser().parse_args(["deploy", "dev"]), out)

    said = out.file.getvalue()  # type: ignore[attr-defined]
    annotations = [line for line in said.splitlines() if line.startswith("::error")]
    assert 2 == len(annotations)
    assert annotations[0].startswith("::error file=infra/rds.yaml,line=3::stack orders-dev-rds ended in")
    assert "::error file=infra/rds.yaml::Extra (AWS::A::B): no, either" == annotations[1]


def test_two_stacks_that_fail_at_once_are_both_annotated_and_both_on_the_page(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for stack in ("orders-ecr", "orders-dev-vpc"):
        here.cloudformation.next_ends[stack] = ["ROLLBACK_COMPLETE"]
    here.cloudformation.failures = [("Thing", "AWS::A::B", "no")]
    out = Console(file=io.StringIO(), width=200)

    edge.main_inner(commands.parser().parse_args(["deploy", "dev"]), out)

    said, page = out.file.getvalue(), Path("summary.md").read_text()  # type: ignore[attr-defined]
    assert {"infra/ecr.yaml", "infra/vpc.yaml"} == set(re.findall(r"::error file=([\w/.]+)", said))
    assert 2 == page.count("> [!CAUTION]")
    assert 1 == page.count("failed too:")


def test_smoke_tests_that_fail_are_one_json_document_and_a_page(
    here: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here.deployed()
    monkeypatch.setattr(FakeSession, "version", "another")

    code, page = run("smoke", "dev", "--json")

    assert 14 == code
    assert page.startswith("## ❌ smoke dev failed\n")
    assert "| ❌ | version " in page
    assert "http://lb" == json.loads(capsys.readouterr().out)["url"]


def test_a_destroyed_environment_has_its_stacks_on_the_page(here: World) -> None:
    here.deployed()

    code, page = run("destroy", "dev", "--confirm", "dev")

    assert 0 == code
    assert page.startswith("## ✅ destroy dev\n")
    assert "| `vpc` | deleted | " in page


def test_a_refused_destroy_says_so(here: World) -> None:
    code, page = run("destroy", "dev")

    assert 15 == code
    assert page.startswith("## ❌ destroy dev failed\n")


def test_a_stopped_rollout_is_a_sentence_and_its_stages(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: Any, __: Any, options: RolloutOptions) -> str:
        options.on_finished(
            RolloutRecord(
                version="abc", entries=[StageEntry("BAKE_TIME", "ROLLBACK_IN_PROGRESS", 1)], ended=3
            )
        )
        return "rollout d1 was stopped in BAKE_TIME"

    monkeypatch.setattr(rollback, "stop", stop)

    code, page = run("rollback", "dev")

    assert 0 == code
    assert page.startswith(
        "## ✅ rollback dev\n\nrollout d1 was stopped in BAKE\\_TIME\n\n### Rollout of `abc`"
    )
    assert r"| `BAKE_TIME` | ROLLBACK\_IN\_PROGRESS | 2.0 s |" in page


def test_an_interruption_is_on_the_page(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connect, "guarded", interrupted)

    code, page = run("smoke", "dev")

    assert 130 == code
    assert page.startswith("## ❌ smoke dev failed\n\n> [!CAUTION]\n> **interrupted**")
