"""A pull request that touches infra/: its plan is one comment, and data that would be lost is red."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_github import FakeGitHub
from tests.support.workflows.act import REPOSITORY, Forge
from tests.support.workflows.fork import ENVIRONMENTS, Account, commit
from tests.support.workflows.run import Run

NUMBER = 7


@pytest.fixture
def branch(fork: Forge) -> Iterator[Forge]:
    """The fork with the branch of a pull request checked out."""
    fork.clone.run("git", "checkout", "--quiet", "-b", "branch")
    yield fork
    fork.clone.run("git", "checkout", "--quiet", "--force", "main")
    fork.clone.run("git", "branch", "--quiet", "-D", "branch")


def plan(fork: Forge, head: str = REPOSITORY, labels: tuple[str, ...] = ()) -> Run:
    base = fork.clone.run("git", "rev-parse", "main").output.strip()
    pull_request = {
        "number": NUMBER,
        "labels": [{"name": label} for label in labels],
        "head": {"ref": "branch", "repo": {"full_name": head}},
        "base": {"ref": "main", "sha": base},
    }
    return fork.run("plan", "pull_request", payload={"number": NUMBER, "pull_request": pull_request})


def comments(github: FakeGitHub) -> list[dict[str, Any]]:
    """What the pull request's page shows now."""
    return [dict(comment) for comment in github.dump()["comments"] if comment["issue"] == NUMBER]


def check(run: Run) -> str:
    """How the check ended that branch protection names."""
    return run.results["plan/plans"]


def test_a_pull_request_that_touches_no_template_needs_no_plan_and_has_its_check(branch: Forge) -> None:
    with (branch.clone.path / "app/orders/api.py").open("a") as source:
        source.write("# Another version.\n")
    commit(branch.clone, "Change the service alone")

    run = plan(branch)

    assert (0, "success") == (run.exit_code, check(run))
    assert [] == run.asked("configure-aws-credentials")
    assert "there is nothing to plan" in run.summary("Which environments")


def test_a_fork_gets_no_credentials_and_is_told_so(branch: Forge, account: Account) -> None:
    run = plan(branch, head="stranger/orders")

    assert 0 == run.exit_code
    assert [] == run.asked("configure-aws-credentials")
    assert "no credentials" in run.summary("Which environments")


def test_the_plan_is_one_comment_that_is_brought_up_to_date_and_lost_data_is_red(
    branch: Forge, pushed: Run, account: Account, github: FakeGitHub
) -> None:
    before = {name: account.changes(name) for name in ENVIRONMENTS}
    branch.clone.replace("infra/environments/dev.yaml", "LogRetentionDays: 7", "LogRetentionDays: 14")
    commit(branch.clone, "Keep logs longer")

    harmless = plan(branch)
    first = comments(github)
    branch.clone.replace("infra/rds-database.yaml", "StorageEncrypted: true", "StorageEncrypted: false")
    commit(branch.clone, "Lose the data")
    harmful = plan(branch)
    second = comments(github)
    meant = plan(branch, labels=("help wanted", "replace:rds-database/Database"))

    assert (0, 1, 0) == (harmless.exit_code, harmful.exit_code, meant.exit_code)
    assert ["success", "failure", "success"] == [check(run) for run in (harmless, harmful, meant)]
    assert 1 == len(first) == len(second)
    assert first[0]["id"] == second[0]["id"]
    assert "LogGroup" in first[0]["body"]
    assert "would be replaced" not in first[0]["body"]
    assert "**rds-database/Database holds data and would be replaced" in second[0]["body"]
    assert "Named, so that it may be replaced: `rds-database/Database`" in comments(github)[0]["body"]
    assert before == {name: account.changes(name) for name in ENVIRONMENTS}
    taken = {
        r["inputs"]["role-to-assume"].rpartition("/")[2] for r in harmless.asked("configure-aws-credentials")
    }
    assert {"orders-plan"} == taken
