"""Tests see nothing of what GitHub tells a step; the page of a job that tests gets their result, no more."""

import contextlib
import gc
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.github import job_summary, markdown
from tests.support import groups
from tests.support.zero_downtime_report import Report

TESTS = Path(__file__).parent
SUMMARY = os.environ.get("GITHUB_STEP_SUMMARY")
seconds = groups.Seconds()
releases = Report()

# Importing botocore, cfn-lint and SQLAlchemy makes a million objects that stay. To search them for garbage
# took a third of the time of the unit tests.
gc.disable()


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        del os.environ[name]


def pytest_sessionstart(session: pytest.Session) -> None:
    """The engine and the base images are made once, before any worker starts, and count for no group."""
    if "PYTEST_XDIST_WORKER" not in os.environ and groups.are_wanted(session.config):
        from local_aws.host.base_images import base_images
        from local_aws.host.docker_engine import ensure_engine
        from pipeline.errors import DockerError

        with contextlib.suppress(DockerError):  # the first test that needs them fails, and says why
            base_images(ensure_engine(print), print)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With --dist loadgroup, a group is a folder; with another, what xdist makes."""
    return groups.GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in tests/docker needs Docker, and what lies in tests/processes starts programs."""
    for item in items:
        for folder in ("docker", "processes"):
            if item.path.is_relative_to(TESTS / folder):
                item.add_marker(folder)
    groups.longest_first(items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    seconds.add(report)
    releases.read(report)


def pytest_collection_finish() -> None:
    """Collect garbage again, but only among what the tests themselves make."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def no_docker_for_a_unit_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.node.get_closest_marker("docker"):
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if table := releases.write():
        terminalreporter.section("releases under load")
        terminalreporter.write(table)
    if lines := list(seconds.lines()):
        terminalreporter.section("seconds of each group")
        terminalreporter.write("".join(f"{line}\n" for line in lines))
    if SUMMARY is not None:
        write_summary(terminalreporter, SUMMARY)


def write_summary(terminalreporter: pytest.TerminalReporter, file: str) -> None:
    """Put the result onto the page of the job."""
    failed = [one for kind in ("failed", "error") for one in terminalreporter.getreports(kind)]
    passed = len(terminalreporter.getreports("passed"))
    lines = [f"## {'❌' if failed else '✅'} {passed} tests passed, {len(failed)} failed"]
    for report in failed:
        last_words = report.longreprtext.splitlines()[-25:]
        lines += ["", markdown.code(report.nodeid), "", *markdown.fence(last_words)]
    job_summary.write("\n".join(lines), {"GITHUB_STEP_SUMMARY": file})
