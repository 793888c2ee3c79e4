"""By hand: one action on one environment."""

import re

import requests

from tests.support.workflows.act import Forge
from tests.support.workflows.fork import Account, commit
from tests.support.workflows.run import Run

AS_THE_FILE_SAYS = "as the environment file says"
BY_HAND = "by-hand/"


def dispatch(fork: Forge, action: str, environment: str = "dev", **more: str) -> Run:
    inputs = {
        "environment": environment,
        "action": action,
        "image": "",
        "ref": "",
        "strategy": AS_THE_FILE_SAYS,
        "despite-alarms": "false",
        **more,
    }
    return fork.run("deploy", "workflow_dispatch", inputs=inputs)


def served(account: Account, environment: str) -> str:
    url = account.output(environment, "ServiceUrl")
    return requests.get(f"{url}/orders", timeout=5).headers["X-Service-Version"]


def test_a_plan_says_what_would_change_and_changes_nothing(
    fork: Forge, pushed: Run, account: Account
) -> None:
    before = account.changes("dev")

    run = dispatch(fork, "plan")

    assert 0 == run.exit_code
    assert ["orders-plan"] == [
        record["inputs"]["role-to-assume"].rpartition("/")[2]
        for record in run.asked("configure-aws-credentials")
    ]
    assert "plan dev" in run.summary("deploy/plan")
    assert before == account.changes("dev")


def test_smoke_tests_what_serves_and_says_where(fork: Forge, pushed: Run, account: Account) -> None:
    run = dispatch(fork, "smoke")

    assert 0 == run.exit_code
    assert run.summary(BY_HAND).startswith("## ✅ smoke dev\n")
    assert account.output("dev", "ServiceUrl") == run.outputs(BY_HAND)["url"]


def test_a_ref_is_built_as_it_was_and_released_with_the_strategy_asked_for(
    fork: Forge, pushed: Run, account: Account
) -> None:
    first = served(account, "dev")
    app = fork.clone.path / "app/orders/api.py"
    good = app.read_text()
    app.write_text(f"{good}# Some time ago.\n")
    wanted = commit(fork.clone, "Some time ago")
    app.write_text(good)
    commit(fork.clone, "Now")

    run = dispatch(fork, "deploy", ref=wanted, strategy="CANARY")

    assert 0 == run.exit_code
    assert first != served(account, "dev")
    assert run.outputs("Build once")["version"] == served(account, "dev")
    assert "5 % of production" in run.said


def test_a_rollback_releases_the_version_before(fork: Forge, pushed: Run, account: Account) -> None:
    before = served(account, "dev")

    run = dispatch(fork, "rollback")

    assert 0 == run.exit_code
    assert before != served(account, "dev")
    assert run.outputs(BY_HAND)["version"] == served(account, "dev")
    assert run.summary(BY_HAND).startswith("## ✅ rollback dev\n")


def test_a_digest_that_was_signed_is_released_and_nothing_is_built(
    fork: Forge, pushed: Run, account: Account
) -> None:
    digest = pushed.outputs("Build once")["digest"]

    run = dispatch(fork, "deploy", image=digest)

    assert 0 == run.exit_code
    assert not [job for job in run.results if "Build" in job]
    assert pushed.outputs("Build once")["version"] == served(account, "dev")


def test_a_digest_that_nobody_signed_is_refused_before_anything_is_touched(
    fork: Forge, pushed: Run, account: Account
) -> None:
    app = fork.clone.path / "app/orders/api.py"
    good = app.read_text()
    app.write_text(f"{good}# Pushed by hand.\n")
    by_hand = fork.clone.pipeline("image", "dev", **account.administrator)
    app.write_text(good)
    digest = re.findall(r"sha256:[0-9a-f]{64}", by_hand.output)[-1]
    before = account.changes("dev")

    run = dispatch(fork, "deploy", image=digest)

    assert 1 == run.exit_code
    assert [1] == [1 for record in run.asked("gh") if "no attestations found" in record["refused"]]
    assert "is not known to be built by example/orders" in run.summary(BY_HAND).partition("**Next:**")[0]
    assert before == account.changes("dev")
