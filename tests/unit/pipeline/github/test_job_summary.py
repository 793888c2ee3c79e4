"""The page of a job, as GitHub would show it."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.checks.ledger import Entry, Ledger
from pipeline.checks.smoke import Outcome as Check
from pipeline.errors import SlipwayError, StackFailedError
from pipeline.github import job_summary
from pipeline.graph.runner import Ending, Outcome, Result
from pipeline.release.deploy import Released
from pipeline.rollout.record import RolloutRecord, StageEntry

FAILURE = StackFailedError(
    "stack orders-dev-app ended in UPDATE_ROLLBACK_COMPLETE",
    why="Service: 100% broken <img>",
    next_step="mend it",
    details=["the tea is out | really", "```", "::error::x"],
    where="infra/ecs-stack.yaml:210",
)


def released(tmp_path: Path, failure: SlipwayError | None = None) -> Released:
    nodes = {
        "ecr": Outcome("ecr", Ending.DONE, frozenset(), 50, 51, Result("created")),
        "app": Outcome("app", Ending.FAILED, frozenset({"ecr"}), 51, 53, error=failure)
        if failure
        else Outcome("app", Ending.DONE, frozenset({"ecr"}), 51, 53, Result("updated")),
        "late": Outcome("late", Ending.NOT_STARTED, frozenset({"app"}), 53, 53),
    }
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(Entry(1000, 0.1, 200, "abc"))
    ledger.close()
    record = RolloutRecord(version="abc", ended=53, ledger_file=ledger.file)
    record.entries = [
        StageEntry("SCALE_UP", "IN_PROGRESS", 51),
        StageEntry("BAKE_TIME", "IN_PROGRESS", 52.5),
        *([StageEntry("BAKE_TIME", "ROLLBACK_IN_PROGRESS", 52.8)] if failure else []),
        StageEntry("BAKE_TIME", "ROLLBACK_SUCCESSFUL" if failure else "SUCCESSFUL", 53),
    ]
    checks = (Check("it answers", passed=True, seconds=0.1, detail="200 | OK"),)
    return Released(
        "dev",
        nodes,
        3.4,
        42,
        "http://lb",
        "abc",
        "uri@sha256:1",
        checks,
        failure,
        started=50.0,
        rollouts=(record,),
    )


def page(of: Released) -> str:
    return job_summary.of_release("deploy", of, now=1003.4)


def test_a_good_release_begins_with_its_url_and_version(tmp_path: Path) -> None:
    lines = page(released(tmp_path)).splitlines()

    assert "## ✅ deploy dev" == lines[0]
    assert "**URL** <http://lb> · **version** `abc` · **time** 3.4 s" == lines[2]
    assert "Image `uri@sha256:1`" == lines[4]


def test_stacks_rollout_and_smoke_tests_have_their_times(tmp_path: Path) -> None:
    written = page(released(tmp_path))

    for row in (
        "| `ecr` | created | 1.0 s |",
        "| `app` | updated | 2.0 s |",
        "| `late` | ⏭️ not started |  |",
        r"| `SCALE_UP` | IN\_PROGRESS | 1.5 s |",
        "| `BAKE_TIME` | SUCCESSFUL |  |",
        r"| ✅ | it answers | 0.10 s | 200 \| OK |",
        "### Rollout of `abc`",
        "1 requests, 0 failed; 1 by version abc",
    ):
        assert row in written


def test_the_timeline_is_in_real_time_and_marks_what_failed(tmp_path: Path) -> None:
    written = page(released(tmp_path, FAILURE))

    assert "Critical path: `ecr` → `app`, 3.0 s" in written
    assert "  ecr (created) :active, n1, 1000000, 1001000" in written
    assert "  app (failed) :crit, n2, 1001000, 1003000" in written
    assert "  section rollout abc" in written
    assert "  BAKE_TIME :active, n4, 1002500, 1002800" in written
    assert "  BAKE_TIME :crit, n5, 1002800, 1003000" in written
    assert "late (" not in written
    assert "n6," not in written


def test_a_failure_is_told_first_with_its_next_step_and_lines(tmp_path: Path) -> None:
    lines = page(released(tmp_path, FAILURE)).splitlines()

    assert [
        "## ❌ deploy dev failed",
        "",
        "> [!CAUTION]",
        r"> **stack orders-dev-app ended in UPDATE\_ROLLBACK\_COMPLETE**: Service: 100% broken &lt;img>",
        ">",
        "> At `infra/ecs-stack.yaml:210`",
        ">",
        "> **Next:** mend it",
        "",
        "````text",
        "the tea is out | really",
        "```",
        "::error::x",
        "````",
    ] == lines[:14]


def test_a_node_that_nothing_waited_for_is_drawn_as_such(tmp_path: Path) -> None:
    both = released(tmp_path)
    beside = Outcome("vpc", Ending.DONE, frozenset(), 50, 50.5, Result("created"))

    assert "  vpc (created) :done, n" in page(replace(both, nodes={**both.nodes, "vpc": beside}))


def test_what_failed_at_the_same_time_is_told_as_well(tmp_path: Path) -> None:
    both = released(tmp_path, FAILURE)
    other = Outcome("rds", Ending.FAILED, error=StackFailedError("no database", next_step="wait"))

    written = page(replace(both, nodes={**both.nodes, "rds": other}))

    assert "`rds` failed too:\n\n> [!CAUTION]\n> **no database**\n" in written
    assert 2 == written.count("[!CAUTION]")


def test_nothing_to_change_is_said(tmp_path: Path) -> None:
    same = {"ecr": Outcome("ecr", Ending.DONE, frozenset(), 0, 0, Result("unchanged"))}

    assert "nothing had to be changed" in page(Released("dev", same, 0.1, 3))


def test_smoke_tests_that_failed_are_a_table_below_the_cause() -> None:
    checks = [
        Check("a", passed=True, seconds=0.1, detail=""),
        Check("b", passed=False, seconds=0.2, detail="404"),
    ]

    written = job_summary.of_smoke("dev", "http://lb", checks, SlipwayError("1 smoke test failed"))

    assert written.index("**1 smoke test failed**") < written.index("| ❌ | b | 0.20 s | 404 |")


def test_a_stopped_rollout_has_its_stages(tmp_path: Path) -> None:
    [record] = released(tmp_path).rollouts

    written = job_summary.of_stopped("rollback dev", "rollout d1 was stopped", [record])

    assert "## ✅ rollback dev\n\nrollout d1 was stopped\n\n### Rollout of `abc`" in written
    assert r"| `SCALE_UP` | IN\_PROGRESS | 1.5 s |" in written


def test_a_destroyed_environment_is_a_table_of_its_stacks() -> None:
    rows = [("app", "deleted", 125.0), ("vpc", "not there", None)]

    written = job_summary.of_nodes("destroy dev", rows, None)

    assert "## ✅ destroy dev" in written
    assert "| `app` | deleted | 2 min 5 s |" in written
    assert "| `vpc` | not there |  |" in written


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://x> <b>"])
def test_only_an_address_is_a_link(tmp_path: Path, url: str) -> None:
    assert f"**URL** `{url}`" in page(replace(released(tmp_path), url=url))


def test_it_is_appended_and_keeps_no_secret_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    job_summary.write(
        "# ghs_0123456789", {"GITHUB_STEP_SUMMARY": str(file), "GITHUB_TOKEN": "ghs_0123456789"}
    )

    assert "before\n# ***\n\n" == file.read_text()


def test_without_a_summary_nothing_is_written() -> None:
    job_summary.write("x", {})


def test_a_summary_that_would_be_too_long_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("x" * (job_summary.LIMIT - 2000))
    job_summary.write("ü line\n" * 1000, {"GITHUB_STEP_SUMMARY": str(file)})

    assert file.stat().st_size <= job_summary.LIMIT
    assert "the summary is full" in file.read_text()
