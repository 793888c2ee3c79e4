"""Bad releases: each ends with its cause and exit code, nobody notices, and the next good one is released."""

import re
import time

import pytest

from tests.support.clone import Clone
from tests.support.rollouts import seconds_of_rollback
from tests.support.steady_load import faults
from tests.support.zero_downtime import (
    API,
    AT_LEAST_PER_SECOND,
    DEPLOY,
    ENVIRONMENT,
    PATIENT,
    Releases,
    Service,
    cause,
)
from tests.support.zero_downtime_report import AFTER_BAD, Row

IMPATIENT = "healthy_within_minutes: 0.4 "


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
    clone.replace(API, "from fastapi import FastAPI,", "from fastapi import FastAPI, Request,")
    clone.replace(API, "async def list_orders(\n", "async def list_orders(\n        request: Request,\n")
    said = '        """A page of orders, the newest first."""\n'
    fails = 'if "x-slipway-test" not in request.headers:\n            raise RuntimeError("only here")\n'
    clone.replace(API, said, f"{said}        {fails}")


BAD = {
    "crashes at start": (crashes_at_start, ["RuntimeError: the tea is out", "infra/ecs-stack.yaml:"]),
    "never healthy": (
        is_never_healthy,
        [
            "still brewing",
            "was rolled back in SCALE_UP",
            "it was not healthy within 24 s",
            "last log lines of app:",
        ],
    ),
    "wrong answers": (gives_wrong_answers, ["quantity is 3; 2 was expected"]),
    "migration fails": (fails_its_migration, ["no_such_table"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_release_is_rolled_back_with_its_cause_and_nobody_notices(
    releases: Releases, kind: str
) -> None:
    clone = releases.clone
    spoil, told = BAD[kind]
    before, begun = releases.served_version(), time.time()
    clone.replace(ENVIRONMENT, PATIENT, IMPATIENT)
    with releases.put_back():
        spoil(clone)
        ran = clone.run(*DEPLOY)
    clone.replace(ENVIRONMENT, IMPATIENT, PATIENT)
    seconds, asked = time.time() - begun, releases.since(begun)
    rolled_back = seconds_of_rollback(releases.aws.failed_rollout(begun))
    releases.add(Row.of(kind, asked, seconds, rolled_back=rolled_back, ended=f"exit code {ran.exit_code}"))

    assert 19 == ran.exit_code
    assert told[0] in cause(ran.output)
    assert [] == [words for words in told if words not in ran.output]
    assert 'Traceback (most recent call last):\n  File "<frozen runpy>' not in ran.output
    assert {before} == {one.version for one in asked}
    assert [] == faults(asked)
    releases.good_one(AFTER_BAD)


def test_an_alarm_during_the_bake_rolls_back_and_nobody_notices(releases: Releases) -> None:
    before, begun = releases.served_version(), time.time()
    releases.edit("alarmed")
    with releases.clone.start(*DEPLOY) as deploy:
        releases.aws.wait_for_a_rollout_in("BAKE_TIME", begun)
        rung = time.time()
        releases.aws.ring_an_alarm()
        output, _ = deploy.communicate(timeout=300)
    print(output)
    seconds, asked = time.time() - begun, releases.since(begun)
    rolled_back = releases.aws.failed_rollout(begun)["finishedAt"].timestamp() - rung
    ended = f"exit code {deploy.returncode}"
    releases.add(Row.of("alarm during the bake", asked, seconds, rolled_back=rolled_back, ended=ended))

    assert 19 == deploy.returncode
    assert "went into ALARM" in cause(output)
    assert before == releases.served_version()
    assert [] == faults(asked)
    releases.good_one(AFTER_BAD)


def test_errors_only_under_production_traffic_end_within_seconds(releases: Releases) -> None:
    before, begun = releases.served_version(), time.time()
    with releases.put_back():
        fails_in_production_only(releases.clone)
        ran = releases.clone.run(*DEPLOY)
    ended = time.time()
    asked = releases.since(begun)
    hit = [one.at for one in asked if one.fault]
    assert hit, "the scenario itself did not happen"
    rolled_back = releases.aws.failed_rollout(begun)["finishedAt"].timestamp() - hit[0]
    how = f"exit code {ran.exit_code}; errors for {hit[-1] - hit[0]:.1f} s"
    releases.add(
        Row.of("errors in production only", asked, ended - begun, rolled_back=rolled_back, ended=how)
    )

    assert 19 == ran.exit_code
    assert re.search(r"requests of the production probe failed|went into ALARM", cause(ran.output))
    assert 10 > hit[-1] - hit[0]
    assert before == releases.served_version()
    assert [] == faults(releases.since(ended))
    releases.good_one(AFTER_BAD)


def test_there_were_at_least_fifty_requests_a_second_over_all_releases(service: Service) -> None:
    assert service.report.rate >= AT_LEAST_PER_SECOND
