"""Tests see nothing of what GitHub tells a step; the page of a job that tests gets their result, no more."""

import os

import pytest

from pipeline import job_summary, markdown

SUMMARY = os.environ.get("GITHUB_STEP_SUMMARY")


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def no_docker_for_a_unit_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(request.node.get_closest_marker(name) for name in ("docker", "end_to_end", "workflows")):
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
