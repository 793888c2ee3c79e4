"""What a workflow's steps run, through the command line: exit codes, files, summaries, comments, issues."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipeline.cli import connect
from pipeline.errors import BusyError
from tests.support.command import run
from tests.support.fake_github import FakeGitHub
from tests.support.fake_rollout import FakeRollouts
from tests.support.small_project import World, world
from tests.unit.pipeline.github.test_plan_comment import change
from tests.unit.pipeline.inspect.test_drift import DriftingCloudFormation, raw


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = world(tmp_path / "project", cloudformation=DriftingCloudFormation(), ecs=FakeRollouts())
    made.cloudformation = made.context.aws.client("cloudformation")
    made.deployed()
    monkeypatch.setattr(connect, "guarded", lambda _: made.context)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    return made


def summary() -> str:
    return Path("summary.md").read_text()


def losing(here: World) -> None:
    here.cloudformation.changes = [change("Database", "AWS::RDS::DBInstance", replacement="True")]
    here.cloudformation.empty |= {"orders-ecr", "orders-dev-vpc", "orders-dev-app"}


def test_a_plan_for_a_review_that_loses_data_exits_with_22_and_is_written_all_the_same(here: World) -> None:
    losing(here)

    code, said = run("plan", "dev", "--markdown", "plan.md")

    assert 22 == code
    assert "**`Database`**" in Path("plan.md").read_text()
    assert "::error file=infra/rds.yaml,line=3::rds/Database holds data and would be replaced" in said
    assert summary().startswith("## plan dev\n\n### ❌ dev: 1 of 5 would change")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_plan_that_loses_data_is_shown_and_exits_with_22_in_every_form(
    here: World, form: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    losing(here)

    code, said = run("plan", "dev", *form)

    assert 22 == code
    shown = said + capsys.readouterr().out
    assert ('"loses_data": true' if form else "data would be lost or replaced: rds/Database") in shown
    assert "python -m pipeline deploy dev --replace rds/Database" in said


@pytest.mark.parametrize(
    "naming", [("--replace", "rds/Database"), ("--labels", "help wanted replace:rds/Database bug")]
)
def test_a_plan_whose_loss_was_named_says_so_and_is_no_error(here: World, naming: tuple[str, ...]) -> None:
    losing(here)

    code, said = run("plan", "dev", "--markdown", "plan.md", *naming)

    assert 0 == code, said
    assert "named, so that it may be replaced: rds/Database" in said
    assert "Named, so that it may be replaced: `rds/Database`" in Path("plan.md").read_text()


@pytest.fixture
def held(here: World) -> World:
    """The environment while somebody releases to it."""
    here.ssm.put_parameter(Name="/slipway/orders/dev/lock", Value="{}", Type="String", Overwrite=False)
    return here


def test_a_plan_for_a_review_waits_for_the_release_that_is_under_way(
    held: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        held.time.sleep(seconds)
        if held.time.now > 19 * 60:
            held.ssm.values.pop("/slipway/orders/dev/lock", None)

    context = dataclasses.replace(held.context, sleep=sleep)
    monkeypatch.setattr(connect, "guarded", lambda _: context)

    code, said = run("plan", "dev", "--markdown", "plan.md")

    assert 0 == code
    assert "waiting for its end, at most 20 minutes" in said


def test_a_plan_for_a_review_gives_up_in_time_to_say_who_releases(held: World) -> None:
    code, _ = run("plan", "dev", "--markdown", "plan.md")

    assert 12 == code
    assert 20 * 60 == held.time.now
    assert "is in the middle of" in Path("plan.md").read_text()


def test_a_plan_on_the_terminal_waits_for_nobody(held: World) -> None:
    code, _ = run("plan", "dev")

    assert 12 == code
    assert 0 == held.time.now


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_what_could_not_be_asked_is_in_the_markdown_too(
    here: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def busy(_: str) -> None:
        raise BusyError("another deploy is at work", next_step="wait for it")

    monkeypatch.setattr(connect, "guarded", busy)

    code, _ = run(command, "dev", "--markdown", "file.md")

    assert 12 == code
    assert (
        Path("file.md").read_text().startswith("### ❌ dev\n\n> [!CAUTION]\n> **another deploy is at work**")
    )
    assert summary().startswith(
        f"## ❌ {command} dev failed\n\n> [!CAUTION]\n> **another deploy is at work**"
    )


def test_drift_exits_with_21_and_is_written(here: World) -> None:
    assert isinstance(here.cloudformation, DriftingCloudFormation)
    here.cloudformation.found["orders-dev-vpc"] = [raw("Vpc", "AWS::EC2::VPC", "DELETED")]

    code, said = run("drift", "dev", "--markdown", "drift.md")

    assert 21 == code
    assert "| `Vpc` | `AWS::EC2::VPC` |  | was deleted |  |" in Path("drift.md").read_text()
    assert "::error file=infra/vpc.yaml,line=2::1 resource of dev is not as the templates say" in said
    assert "## drift dev" in summary()


def test_no_drift_exits_with_0(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = run("drift", "dev", "--json")

    assert 0 == code
    assert not json.loads(capsys.readouterr().out)["drifted"]


def test_the_plans_json_is_one_document(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    losing(here)

    run("plan", "dev", "--json", "--markdown", "plan.md")

    assert "dev" == json.loads(capsys.readouterr().out)["environment"]


@pytest.fixture
def github(here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 7}}')
    with FakeGitHub() as running:
        for name, value in {
            "GITHUB_API_URL": running.url,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_TOKEN": "ghs_0123456789",
            "GITHUB_EVENT_PATH": "event.json",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "42",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


def dump(github: FakeGitHub) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = requests.get(f"{github.url}/dump", timeout=5).json()
    return found


def test_several_files_are_one_comment(github: FakeGitHub) -> None:
    Path("a.md").write_text("### dev")
    Path("b.md").write_text("### prod with ghs_0123456789")

    code, said = run("github", "comment", "--marker", "plan", "a.md", "b.md")
    run("github", "comment", "--marker", "plan", "a.md", "b.md")

    assert 0 == code
    assert "https://github.com/o/r/issues/7#issuecomment-1" in said
    assert ["<!-- slipway:plan -->\n### dev\n\n### prod with ***\n"] == [
        comment["body"] for comment in dump(github)["comments"]
    ]


def test_an_issue_is_opened_and_closed_with_a_link_to_the_run(github: FakeGitHub) -> None:
    Path("drift.md").write_text("it drifted")

    opened = run("github", "issue", "--label", "drift-dev", "--title", "Drift in dev", "drift.md")
    closed = run("github", "issue", "--label", "drift-dev", "--close")
    nothing = run("github", "issue", "--label", "drift-dev", "--close")

    assert [0, 0, 0] == [opened[0], closed[0], nothing[0]]
    assert "no open issue with the label drift-dev is Slipway's" in nothing[1]
    assert ["closed"] == [issue["state"] for issue in dump(github)["issues"]]
    assert ["Gone: the last look found nothing (https://github.com/o/r/actions/runs/42)."] == [
        comment["body"] for comment in dump(github)["comments"]
    ]


def test_a_missing_permission_exits_with_23_and_is_in_the_summary(github: FakeGitHub) -> None:
    Path("a.md").write_text("x")
    github.refusals = [(403, {"message": "Resource not accessible by integration"})]

    code, said = run("github", "comment", "--marker", "plan", "a.md")

    assert 23 == code
    assert "permissions: {pull-requests: write}" in said
    assert summary().startswith("## ❌ github comment failed\n")
    assert "ghs_" not in said + summary()
