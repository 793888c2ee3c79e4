"""Every gate and test as a pull request has them: no account, no credentials, Docker as on GitHub."""

import re

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
    "test_every_job_ends_by_itself",
    "test_environments",
    "test_an_order_that_is_not_there_is_none",
    "test_an_unknown_vpc",
    "test_help_lists_every_target",
)
"""A test or few for each job: the jobs run whole, and as quickly as can be."""


def test_every_job_passes_without_a_secret_and_so_does_the_gate(fork: Forge) -> None:
    keep_groups(fork, "docker/local_aws", "processes")

    run = fork.run("ci", "pull_request", PYTEST_ADDOPTS=f'-k "{" or ".join(SLICE)}"')

    assert {"success"} == set(run.results.values())
    # act numbers the jobs of a matrix.
    assert {*JOBS.values(), "gate"} == {re.sub(r"-\d+$", "", job.partition("/")[2]) for job in run.results}
    assert [] == run.asked("configure-aws-credentials")
    for job in ("unit", "test-templates", "test-app", "rehearsal"):
        assert " passed" in run.said_in(JOBS[job])
        assert "tests passed, 0 failed" in run.summary(JOBS[job])
    assert "✅ mypy --strict" in run.summary(JOBS["check"])


def keep_groups(fork: Forge, *kept: str) -> None:
    """Take the others out of the matrix: no test of theirs is in the slice."""
    ci = fork.clone.path / ".github/workflows/ci.yml"
    others = re.compile(r"^          - (?!(?:" + "|".join(kept) + r")$).*\n", re.MULTILINE)
    ci.write_text(others.sub("", ci.read_text(encoding="utf-8")), encoding="utf-8")
    commit(fork.clone, "Fewer groups")
