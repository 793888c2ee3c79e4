"""Every night: what somebody changed by hand is an issue, until it is gone."""

from copy import deepcopy

from tests.support.fake_github import FakeGitHub
from tests.support.workflows.act import Forge
from tests.support.workflows.fork import Account
from tests.support.workflows.run import Run


def test_an_issue_is_opened_for_what_somebody_changed_kept_up_to_date_and_closed_when_it_is_gone(
    fork: Forge, pushed: Run, account: Account, github: FakeGitHub
) -> None:
    logs, group = account.client("logs"), account.output("staging", "LogGroupName")

    logs.put_retention_policy(logGroupName=group, retentionInDays=365)
    drifted = fork.run("drift", "schedule")
    opened = deepcopy(github.dump()["issues"])
    logs.put_retention_policy(logGroupName=group, retentionInDays=731)
    drifted_on = fork.run("drift", "schedule")
    updated = deepcopy(github.dump()["issues"])
    logs.put_retention_policy(logGroupName=group, retentionInDays=14)
    gone = fork.run("drift", "schedule")
    closed = github.dump()["issues"]

    assert (1, 1, 0) == (drifted.exit_code, drifted_on.exit_code, gone.exit_code)
    assert ["Drift in staging"] == [issue["title"] for issue in opened]
    assert "open" == opened[0]["state"]
    assert "365" in opened[0]["body"]
    assert ("open", opened[0]["number"]) == (updated[0]["state"], updated[0]["number"])
    assert "731" in updated[0]["body"]
    assert "365" not in updated[0]["body"]
    assert "closed" == closed[0]["state"]
    assert 1 == len(updated) == len(closed)
