"""Good and bad releases in a row, under a steady load through the load balancer: not one request may fail.

What is measured is printed as a table, which docs/zero-downtime.md holds; the environment variable
SLIPWAY_ZERO_DOWNTIME_REPORT=FILE has it written there. The tests share one local AWS and run in order; every
bad release is followed by a good one, with no manual step between.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.clone import Clone, Ran
from tests.support.rollouts import Rollouts, seconds_of_rollback
from tests.support.steady_load import Asked, Report, Row, SteadyLoad, faults

pytestmark = pytest.mark.timeout(1200)

RELEASES = 20
PER_SECOND, AT_LEAST_PER_SECOND = 60, 50
STRATEGIES = ("BLUE_GREEN", "CANARY", "LINEAR", "ROLLING")
DEPLOY = (".venv/bin/python", "-m", "pipeline", "deploy", "local")
ENVIRONMENT = "infra/environments/local.yaml"
API = "app/orders/api.py"
# Short, so that the whole takes minutes; what is judged does not depend on it.
SHORT = {
    "BakeTimeMinutes": 2,
    "CanaryPercent": 10,
    "CanaryBakeTimeMinutes": 1,
    "LinearStepPercent": 34,
    "LinearStepBakeTimeMinutes": 1,
}
PATIENT, IMPATIENT = "healthy_within_minutes: 1 ", "healthy_within_minutes: 0.4 "


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    report = Report()
    yield report
    print(f"\n{report}")
    if file := os.environ.get("SLIPWAY_ZERO_DOWNTIME_REPORT"):
        Path(file).write_text(str(report), encoding="utf-8")


@pytest.fixture(scope="module")
def load(clone: Clone, up: Ran) -> Iterator[SteadyLoad]:
    with SteadyLoad(f"{up.url}/orders?limit=1", PER_SECOND) as load:
        for name, value in SHORT.items():
            set_parameter(clone, name, value)
        yield load


@pytest.fixture(scope="module")
def aws(clone: Clone, up: Ran) -> Rollouts:
    return Rollouts(clone)


def served_version(up: Ran) -> str:
    return str(requests.get(f"{up.url}/orders", timeout=5).headers["X-Service-Version"])


def set_parameter(clone: Clone, name: str, value: object) -> None:
    file = clone.path / ENVIRONMENT
    kept = re.sub(rf"\n  {name}: \w+", "", file.read_text())
    file.write_text(kept.rstrip("\n") + f"\n  {name}: {value}\n")


def edit(clone: Clone, word: str) -> None:
    """Another version, as good as the one before."""
    with (clone.path / API).open("a") as source:
        source.write(f"# {word}\n")


def first_answer_of(version: str, asked: list[Asked], begun: float) -> float | None:
    return next((one.at - begun for one in asked if one.version == version), None)


def cause(output: str) -> str:
    """The page that a failed release ends with: under the table of nodes."""
    return output.rpartition("was to be:")[2]


def release_a_good_one(clone: Clone, up: Ran, load: SteadyLoad, report: Report, kind: str) -> None:
    """Another version is released, serves everybody afterwards, and no request fails meanwhile."""
    before, begun = served_version(up), time.time()
    edit(clone, kind)

    ran = clone.run(*DEPLOY)

    seconds, asked = time.time() - begun, load.since(begun)
    after = served_version(up)
    switched = first_answer_of(after, asked, begun)
    report.add(Row(kind, asked, seconds, switched, ended="the new version serves"))
    assert 0 == ran.exit_code
    assert f"version {after} serves" in ran.output
    assert before != after
    assert {after} == {served_version(up) for _ in range(10)}
    assert [] == faults(asked)
    assert {before, after} == {one.version for one in asked}


@pytest.mark.parametrize("number", range(RELEASES))
def test_good_releases_in_a_row_with_strategies_mixed_lose_no_request(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, number: int
) -> None:
    strategy = STRATEGIES[number % len(STRATEGIES)]
    set_parameter(clone, "DeploymentStrategy", strategy)
    release_a_good_one(clone, up, load, report, f"good, {strategy}")


def crashes_at_start(clone: Clone) -> None:
    with (clone.path / "app/orders/server.py").open("a") as source:
        source.write("\nraise RuntimeError('the tea is out')\n")


def is_never_healthy(clone: Clone) -> None:
    clone.replace(
        "app/orders/readiness.py",
        "    lifecycle.schema_usable()\n    return True",
        "    lifecycle.reason = 'still brewing'\n    return False",
    )


def gives_wrong_answers(clone: Clone) -> None:
    clone.replace(API, "            quantity=order.quantity,", "            quantity=order.quantity + 1,")


def fails_its_migration(clone: Clone) -> None:
    (clone.path / "app/orders/migrations/versions/0002_bad.py").write_text(
        '"""A migration of a table that is not there."""\n\n'
        "from alembic import op\n\n"
        'revision = "0002"\ndown_revision = "0001"\n\n\n'
        'def upgrade() -> None:\n    op.execute("ALTER TABLE no_such_table ADD COLUMN cup INT")\n'
    )


def fails_in_production_only(clone: Clone) -> None:
    """Well whenever the test header is there."""
    clone.replace(
        API, "    store: Store,\n    limit:", "    store: Store,\n    request: Request,\n    limit:"
    )
    said = '    """A page of orders, the newest first."""\n'
    clone.replace(
        API,
        said,
        f'{said}    if "x-slipway-test" not in request.headers:\n        raise RuntimeError("only here")\n',
    )


BAD = {
    "crashes at start": (crashes_at_start, "RuntimeError: the tea is out"),
    "never healthy": (is_never_healthy, "still brewing"),
    "wrong answers": (gives_wrong_answers, "quantity is 3; 2 was expected"),
    "migration fails": (fails_its_migration, "no_such_table"),
}


@pytest.fixture
def blue_green(clone: Clone, load: SteadyLoad) -> None:
    set_parameter(clone, "DeploymentStrategy", "BLUE_GREEN")


@pytest.mark.usefixtures("blue_green")
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_release_is_rolled_back_with_its_cause_and_nobody_notices(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, aws: Rollouts, kind: str
) -> None:
    spoil, told = BAD[kind]
    before, begun = served_version(up), time.time()
    clone.replace(ENVIRONMENT, PATIENT, IMPATIENT)
    with put_back(clone):
        spoil(clone)
        ran = clone.run(*DEPLOY)
    clone.replace(ENVIRONMENT, IMPATIENT, PATIENT)
    seconds, asked = time.time() - begun, load.since(begun)
    rollback = seconds_of_rollback(aws.failed_rollout(begun))
    report.add(Row(kind, asked, seconds, None, rollback, f"exit code {ran.exit_code}"))

    assert 19 == ran.exit_code
    assert told in cause(ran.output)
    assert 'Traceback (most recent call last):\n  File "<frozen runpy>' not in ran.output
    assert {before} == {one.version for one in asked}
    assert [] == faults(asked)
    release_a_good_one(clone, up, load, report, "good, right after a bad one")


@pytest.mark.usefixtures("blue_green")
def test_an_alarm_during_the_bake_rolls_back_and_nobody_notices(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, aws: Rollouts
) -> None:
    before, begun = served_version(up), time.time()
    edit(clone, "alarmed")
    with clone.start(*DEPLOY) as deploy:
        aws.wait_for_a_rollout_in("BAKE_TIME", begun)
        rung = time.time()
        aws.ring_an_alarm()
        output, _ = deploy.communicate(timeout=300)
    print(output)
    seconds, asked = time.time() - begun, load.since(begun)
    rolled_back = aws.failed_rollout(begun)["finishedAt"].timestamp() - rung
    ended = f"exit code {deploy.returncode}"
    report.add(Row("alarm during the bake", asked, seconds, None, rolled_back, ended))

    assert 19 == deploy.returncode
    assert "went into ALARM" in cause(output)
    assert before == served_version(up)
    assert [] == faults(asked)
    release_a_good_one(clone, up, load, report, "good, right after a bad one")


@pytest.mark.usefixtures("blue_green")
def test_errors_only_under_production_traffic_end_within_seconds(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, aws: Rollouts
) -> None:
    before, begun = served_version(up), time.time()
    with put_back(clone):
        fails_in_production_only(clone)
        ran = clone.run(*DEPLOY)
    ended = time.time()
    asked = load.since(begun)
    hit = [one.at for one in asked if one.fault]
    assert hit, "the scenario itself did not happen"
    rolled_back = aws.failed_rollout(begun)["finishedAt"].timestamp() - hit[0]
    how = f"exit code {ran.exit_code}; errors for {hit[-1] - hit[0]:.1f} s"
    report.add(Row("errors in production only", asked, ended - begun, None, rolled_back, how))

    assert 19 == ran.exit_code
    assert re.search(r"requests of the production probe failed|went into ALARM", cause(ran.output))
    assert 10 > hit[-1] - hit[0]
    assert before == served_version(up)
    assert [] == faults(load.since(ended))
    release_a_good_one(clone, up, load, report, "good, right after a bad one")


@pytest.mark.usefixtures("blue_green")
@pytest.mark.parametrize(
    "stage",
    [
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
    ],
)
def test_a_pipeline_killed_before_it_has_answered_leaves_the_gate_to_its_timeout(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, aws: Rollouts, stage: str
) -> None:
    set_parameter(clone, "GateTimeoutMinutes", 6)
    if stage == "RECONCILE_SERVICE":
        aws.leave_a_second_revision()
    before, begun = served_version(up), time.time()
    stage = kill_in(stage, clone, aws, begun)
    seconds, asked = time.time() - begun, load.since(begun)
    rollout = aws.newest_rollout()
    report.add(
        Row(f"killed in {stage}", asked, seconds, None, seconds_of_rollback(rollout), "hook timed out")
    )
    set_parameter(clone, "GateTimeoutMinutes", 60)

    assert "ROLLBACK_SUCCESSFUL" == rollout["status"]
    assert "pause hook timed out" in rollout["rollback"]["reason"]
    assert {before} == {one.version for one in asked}
    assert [] == faults(asked)
    release_a_good_one(clone, up, load, report, "good, right after a kill")


@pytest.mark.usefixtures("blue_green")
@pytest.mark.parametrize(
    "stage",
    [
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    ],
)
def test_a_pipeline_killed_after_it_has_answered_leaves_the_release_to_ecs(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report, aws: Rollouts, stage: str
) -> None:
    before, begun = served_version(up), time.time()
    stage = kill_in(stage, clone, aws, begun)
    seconds, asked = time.time() - begun, load.since(begun)
    after = served_version(up)
    switched = first_answer_of(after, asked, begun)
    rollout = aws.newest_rollout()
    report.add(Row(f"killed in {stage}", asked, seconds, switched, None, "released by ECS alone"))

    assert "SUCCESSFUL" == rollout["status"]
    assert before != after
    assert {before, after} == {one.version for one in asked}
    assert [] == faults(asked)


@pytest.mark.usefixtures("blue_green")
def test_the_release_after_the_last_kill_goes_through(
    clone: Clone, up: Ran, load: SteadyLoad, report: Report
) -> None:
    release_a_good_one(clone, up, load, report, "good, right after a kill")


def test_there_were_at_least_fifty_requests_a_second_over_all_releases(
    load: SteadyLoad, report: Report
) -> None:
    """Else the others proved little. How many there were in the worst release is in the report."""
    assert report.rate >= AT_LEAST_PER_SECOND


def kill_in(stage: str, clone: Clone, aws: Rollouts, begun: float) -> str:
    """Release another version, SIGKILL the pipeline in that stage, and wait until AWS is at rest.

    Gives the stage that it really was.
    """
    edit(clone, f"killed in {stage}")
    with clone.start(*DEPLOY) as deploy:
        seen = aws.wait_for_a_rollout_in(stage, begun)
        deploy.kill()
        assert -9 == deploy.wait()
    aws.wait_for_rest()
    return seen


@contextmanager
def put_back(clone: Clone) -> Iterator[None]:
    """app/ as it was before, afterwards."""
    app = clone.path / "app"
    before = {file: file.read_bytes() for file in app.rglob("*") if file.is_file()}
    try:
        yield
    finally:
        for file in [file for file in app.rglob("*") if file.is_file() and file not in before]:
            file.unlink()
        for file, content in before.items():
            file.write_bytes(content)
