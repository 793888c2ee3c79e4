"""Every gate and test as a pull request has them: no account, no credentials, Docker as on GitHub."""

from collections.abc import Iterator

import pytest

from tests.support.workflows.act import Forge
from tests.support.workflows.fork import commit

JOBS = {
    "check": "Lint and security gates",
    "unit": "Unit tests",
    "test-templates": "Template tests",
    "test-app": "The service against a real database",
    "rehearsal": "Rehearsal on the local AWS",
}
"""What each job makes, and what GitHub calls the job."""
SLICE = (
    "test_every_module_has_its_layer",
    "test_environments",
    "test_an_order_that_is_not_there_is_none",
    "test_one_command_ends_with_smoke_tests_passed",
)
"""A test or few for each job: the jobs run whole, and as quickly as can be."""


def test_every_job_passes_without_a_secret_and_so_does_the_gate(fork: Forge) -> None:
    run = fork.run("ci", "pull_request", PYTEST_ADDOPTS=f'-k "{" or ".join(SLICE)}"')

    assert {"success"} == set(run.results.values())
    assert {*JOBS.values(), "gate"} == {job.partition("/")[2] for job in run.results}
    assert [] == run.asked("configure-aws-credentials")
    for job in ("unit", "test-templates", "test-app", "rehearsal"):
        assert " passed" in run.said_in(JOBS[job])
        assert "tests passed, 0 failed" in run.summary(JOBS[job])
    assert "✅ mypy --strict" in run.summary(JOBS["check"])


@pytest.fixture
def branch(fork: Forge) -> Iterator[Forge]:
    fork.clone.run("git", "checkout", "--quiet", "-b", "gate")
    yield fork
    fork.clone.run("git", "checkout", "--quiet", "--force", "main")
    fork.clone.run("git", "branch", "--quiet", "-D", "gate")


@pytest.mark.parametrize("fails", JOBS)
def test_the_gate_fails_with_any_job(branch: Forge, fails: str) -> None:
    (branch.clone.path / "Makefile").write_text(f"%:\n\t@test $@ != {fails}\n")
    commit(branch.clone, "One job fails")

    run = branch.run("ci", "pull_request")

    assert {JOBS[fails], "gate"} == {
        job.partition("/")[2] for job, end in run.results.items() if "failure" == end
    }
