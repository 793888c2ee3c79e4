"""Deleting an environment: typed twice, protected ones refused. It comes last: dev is gone afterwards."""

import pytest

from tests.support.workflows.act import Forge
from tests.support.workflows.fork import Account
from tests.support.workflows.run import Run


def destroy(fork: Forge, environment: str, confirm: str) -> Run:
    inputs = {"environment": environment, "confirm": confirm}
    return fork.run("destroy", "workflow_dispatch", inputs=inputs)


@pytest.mark.parametrize(("environment", "confirm"), [("dev", "staging"), ("dev", ""), ("prod", "prod")])
def test_what_is_not_meant_or_protected_is_refused_before_anybody_signs_in(
    fork: Forge, pushed: Run, account: Account, environment: str, confirm: str
) -> None:
    before = account.stacks()

    run = destroy(fork, environment, confirm)

    assert {"destroy/Is it meant?": "failure"} == run.results
    assert [] == run.asked("configure-aws-credentials")
    assert run.summary("Is it meant?").startswith("## ❌ destroy")
    assert before == account.stacks()


def test_what_is_meant_is_deleted_and_the_others_stay(fork: Forge, pushed: Run, account: Account) -> None:
    before = account.stacks()

    run = destroy(fork, "dev", "dev")

    assert 0 == run.exit_code
    assert {stack for stack in before if "-dev-" not in stack} == account.stacks()
    assert run.summary("destroy/destroy").startswith("## ✅ destroy dev\n")
