"""Tests see nothing of what GitHub tells a step; the page of a job that tests gets their result, no more."""

import gc
import os
from pathlib import Path

import pytest

from pipeline.github import job_summary, markdown

TESTS = Path(__file__).parent
SUMMARY = os.environ.get("GITHUB_STEP_SUMMARY")

# Importing botocore, cfn-lint and SQLAlchemy makes a million objects that stay. To search them for garbage
# took a third of the time of the unit tests.
gc.disable()


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in tests/docker needs Docker, and what lies in tests/processes starts programs."""
    for item in items:
        for folder in ("docker", "processes"):
            if item.path.is_relative_to(TESTS / folder):
                item.add_marker(folder)


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
    if SUMMARY is None:
        return
    failed = [one for kind in ("failed", "error") for one in terminalreporter.getreports(kind)]
    passed = len(terminalreporter.getreports("passed"))
    lines = [f"## {'❌' if failed else '✅'} {passed} tests passed, {len(failed)} failed"]
    for report in failed:
        last_words = report.longreprtext.splitlines()[-25:]
        lines += ["", markdown.code(report.nodeid), "", *markdown.fence(last_words)]
    job_summary.write("\n".join(lines), {"GITHUB_STEP_SUMMARY": SUMMARY})
