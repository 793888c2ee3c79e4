"""What people see in a terminal, in plain output, and in GitHub Actions."""

import io
import json

import pytest
from rich.console import Console

from pipeline.checks.smoke import Outcome as Check
from pipeline.cli import release_report
from pipeline.cli.console import Reporter
from pipeline.errors import StackFailedError
from pipeline.graph.runner import Ending, Outcome, Result
from pipeline.release.deploy import Released

FAILURE = StackFailedError(
    "stack orders-dev-app ended in UPDATE_ROLLBACK_COMPLETE",
    why="Service: 100% broken\nagain",
    next_step="mend it",
    details=["the tea is out", "[bold]not markup"],
    where="infra/ecs-stack.yaml:210",
)


def console() -> Console:
    return Console(file=io.StringIO(), width=160, force_terminal=False)


def text(of: Console) -> str:
    return of.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def released(failure: StackFailedError | None = None) -> Released:
    nodes = {
        "ecr": Outcome("ecr", Ending.DONE, frozenset(), 0, 1, Result("created")),
        "app": Outcome("app", Ending.FAILED, frozenset({"ecr"}), 1, 3, error=failure)
        if failure
        else Outcome("app", Ending.DONE, frozenset({"ecr"}), 1, 3, Result("updated")),
    }
    checks = (Check("it answers", passed=True, seconds=0.1, detail="200"),)
    return Released("dev", nodes, 3.4, 42, "http://lb", "abc", "uri@sha256:1", checks, failure)


def test_the_final_table_tells_nodes_critical_path_calls_and_url() -> None:
    out = console()
    release_report.show(released(), out)

    for fact in ("ecr", "created", "1.0 s", "ecr -> app (3.0 s", "42", "abc", "1 of 1 passed", "http://lb"):
        assert fact in text(out)
    assert "nothing changed" not in text(out)


def test_the_final_table_of_a_rollback_is_called_so() -> None:
    out = console()
    release_report.show(released(), out, "rollback")

    assert "rollback dev" in text(out)


def test_a_deploy_that_changed_nothing_says_so() -> None:
    out = console()
    same = {"ecr": Outcome("ecr", Ending.DONE, frozenset(), 0, 0, Result("unchanged"))}
    release_report.show(Released("dev", same, 0.1, 3), out)

    assert "nothing changed" in text(out)


def test_the_json_has_every_outcome_and_the_error() -> None:
    document = json.loads(json.dumps(release_report.as_json(released(FAILURE))))

    assert not document["succeeded"]
    assert [("ecr", "created"), ("app", "failed")] == [(n["name"], n["outcome"]) for n in document["nodes"]]
    assert ["ecr", "app"] == document["critical_path"]
    assert 10 == document["error"]["exit_code"]
    assert "infra/ecs-stack.yaml:210" == document["error"]["where"]


def test_an_error_is_told_with_details_why_and_next_step() -> None:
    out = console()
    Reporter(out, {}).error(FAILURE)

    assert (
        "  the tea is out\n"
        "  [bold]not markup\n"
        "error: stack orders-dev-app ended in UPDATE_ROLLBACK_COMPLETE\n"
        "  why:  Service: 100% broken\nagain\n"
        "  next: mend it\n"
    ) == text(out)


def test_in_github_actions_an_error_is_an_annotation_on_file_and_line() -> None:
    out = console()
    Reporter(out, {"GITHUB_ACTIONS": "true"}).error(FAILURE)

    assert "::error file=infra/ecs-stack.yaml,line=210::stack orders-dev-app" in text(out)
    assert "100%25 broken%0Aagain" in text(out)


def test_every_resource_that_failed_is_an_annotation_at_its_own_line() -> None:
    out = console()
    both = StackFailedError("no", where="infra/a.yaml:1", also=[("infra/a.yaml:9", "Queue: no, either")])
    Reporter(out, {"GITHUB_ACTIONS": "true"}).error(both)

    assert (
        "::error file=infra/a.yaml,line=1::no\n::error file=infra/a.yaml,line=9::Queue: no, either\n"
        in text(out)
    )


def test_faults_that_name_their_file_are_annotations_there() -> None:
    out = console()
    details = ["infra/a.yaml:3 does not parse: no", "infra/environments/dev.yaml: nothing fills X", "else"]
    Reporter(out, {"GITHUB_ACTIONS": "true"}).error(StackFailedError("no", details=details))

    assert [
        "::error::no",
        "::error file=infra/a.yaml,line=3::does not parse: no",
        "::error file=infra/environments/dev.yaml::nothing fills X",
    ] == [line for line in text(out).splitlines() if line.startswith("::")]


def test_an_error_with_a_place_of_its_own_is_one_annotation() -> None:
    out = console()
    Reporter(out, {"GITHUB_ACTIONS": "true"}).error(
        StackFailedError("no", where="infra/a.yaml:1", details=["infra/a.yaml:3 is an event"])
    )

    assert 1 == text(out).count("::error")


def test_nodes_that_failed_beside_the_first_are_told_too() -> None:
    out = console()
    other = StackFailedError("another one", where="infra/b.yaml:2")
    outcomes = [
        Outcome("app", Ending.FAILED, error=FAILURE),
        Outcome("rds", Ending.FAILED, error=other),
        Outcome("ecr", Ending.DONE),
    ]
    Reporter(out, {"GITHUB_ACTIONS": "true"}).errors_beside(FAILURE, outcomes)

    assert "::error file=infra/b.yaml,line=2::another one" in text(out)
    assert "stack orders-dev-app" not in text(out)


def test_what_others_wrote_is_no_workflow_command() -> None:
    out = console()
    reporter = Reporter(out, {"GITHUB_ACTIONS": "true"})
    details = ["::set-output name=digest::evil", "x\r::add-mask::a", "a ##[error]b"]
    reporter.error(StackFailedError("no", details=details))
    reporter.plain("  ::stop-commands::pause")
    reporter.log("image")("Step 1\n::endgroup::")

    commands = [line for line in text(out).splitlines() if line.lstrip().startswith("::")]
    assert ["::error::no"] == commands
    assert "##[" not in text(out)


def test_in_github_actions_events_are_a_group() -> None:
    out = console()
    with Reporter(out, {"GITHUB_ACTIONS": "true"}) as reporter:
        reporter.log("ecr")("change set: 1 to add")

    lines = text(out).splitlines()
    assert "::group::What happened, as it happened" == lines[0]
    assert "change set: 1 to add" in lines[1]
    assert "::endgroup::" == lines[2]


def test_what_nodes_say_is_no_markup() -> None:
    out = console()
    Reporter(out, {}).log("image")("Step [1/2] : [red]RUN")

    assert "Step [1/2] : [red]RUN" in text(out)


def test_what_is_at_work_is_known_for_an_interruption() -> None:
    reporter = Reporter(console(), {})
    reporter.expect(["ecr", "vpc", "app"])
    reporter.started("ecr")
    reporter.started("vpc")
    reporter.ended(Outcome("ecr", Ending.DONE, frozenset(), 0, 1, Result("created")))

    assert ["vpc"] == reporter.running()


@pytest.mark.parametrize("passed", [True, False])
def test_a_check_is_a_line_with_its_time(*, passed: bool) -> None:
    out = console()
    Reporter(out, {}).checked(Check("it answers", passed=passed, seconds=0.25, detail="200"))

    assert f"{'passed' if passed else 'FAILED'} in  0.25 s: it answers (200)" in text(out)


def test_on_a_terminal_progress_is_live_and_gone_at_the_end() -> None:
    out = Console(file=io.StringIO(), width=120, force_terminal=True)
    with Reporter(out, {}) as reporter:
        reporter.expect(["ecr", "app"])
        reporter.started("ecr")
        reporter.log("ecr")("change set: 1 to add")
        shown = Console(file=io.StringIO(), width=120)
        shown.print(reporter._progress())

    assert ["ecr  running  0 s  change set: 1 to add", "app  waiting"] == [
        line.rstrip() for line in text(shown).splitlines()
    ]
