"""What a job of tests says on its page: the tests' result, and nothing of what they ran."""

import os
import subprocess
import sys

import pytest

from tests.support.repository import ROOT

TESTS = """
import os
from pipeline.github import job_summary

def test_that_runs_a_command():
    job_summary.write("a command of the test's own")
    assert "GITHUB_ACTIONS" not in os.environ

def test_that_fails():
    assert "tea" == "coffee"
"""


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("job")
    (tmp_path / "test_two.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    file = tmp_path / "summary.md"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", tmp_path, tmp_path],
        cwd=ROOT,
        env={**os.environ, "GITHUB_STEP_SUMMARY": os.fspath(file), "GITHUB_ACTIONS": "true"},
        check=False,
    )
    return file.read_text()


def test_the_page_of_a_job_that_tests_says_what_failed_and_why(summary: str) -> None:
    assert "## ❌ 1 tests passed, 1 failed" in summary
    assert "test_that_fails" in summary
    assert "'tea' == 'coffee'" in summary


def test_what_tests_run_says_nothing_on_the_page_of_their_job(summary: str) -> None:
    assert "of the test's own" not in summary
