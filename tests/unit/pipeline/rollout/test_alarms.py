"""Alarms before a release: what the rollout before left in ALARM is waited for, anything else refuses."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import RolloutRefusedError
from pipeline.rollout import alarms
from pipeline.rollout.alarms import Failure
from tests.support.fake_rollout import SERVICE, FakeRollouts
from tests.support.fakes import START, Time

MINUTE = timedelta(minutes=1)
FAILED = Failure(START, START + 5 * MINUTE)


class CloudWatch:
    """Alarms in ALARM, by how many more looks find them there, and since when."""

    def __init__(self, since: datetime, looks: int) -> None:
        self.since, self.left = since, looks

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        assert "ALARM" == request["StateValue"]
        self.left -= 1
        shown = {"AlarmName": "errors", "StateValue": "ALARM", "StateTransitionedTimestamp": self.since}
        return {"MetricAlarms": [shown] if self.left >= 0 else []}


class Quiet:
    """What is said and asked while it is waited for quiet."""

    def __init__(self) -> None:
        self.time, self.said = Time(), list[str]()

    def wait(self, since: datetime, looks: int, failure: Failure | None = FAILED) -> None:
        alarms.must_be_quiet(
            CloudWatch(since, looks), ["errors"], lambda: failure, self.said.append, self.time.wait, 600
        )


@pytest.fixture
def quiet() -> Quiet:
    return Quiet()


def test_an_alarm_of_the_rollout_that_was_rolled_back_is_waited_for_and_said(quiet: Quiet) -> None:
    quiet.wait(START + MINUTE, looks=10)

    assert [
        "errors in ALARM since the rollout that failed: waiting at most 10 minutes for the alarms to clear",
        "no alarm is in ALARM any more",
    ] == quiet.said
    assert 0 < quiet.time.now < 600


def test_one_that_stays_refuses_the_release_when_the_time_is_up(quiet: Quiet) -> None:
    with pytest.raises(RolloutRefusedError) as refused:
        quiet.wait(START + MINUTE, looks=10_000)

    assert "errors in ALARM before the release has begun" == refused.value.what
    assert 600 <= quiet.time.now < 610


@pytest.mark.parametrize(
    ("since", "failure"),
    [
        (START + MINUTE, None),
        (START - MINUTE, FAILED),
        (START + 16 * MINUTE, FAILED),
    ],
    ids=["no rollout failed", "since before it", "since long after it"],
)
def test_an_alarm_for_another_reason_refuses_at_once(
    quiet: Quiet, since: datetime, failure: Failure | None
) -> None:
    with pytest.raises(RolloutRefusedError):
        quiet.wait(since, looks=10, failure=failure)

    assert 0 == quiet.time.now
    assert [] == quiet.said


def test_where_no_alarm_is_in_alarm_nobody_asks_for_what_failed() -> None:
    alarms.must_be_quiet(CloudWatch(START, 0), ["errors"], pytest.fail, print, Time().wait, 600)
    alarms.must_be_quiet(CloudWatch(START, 9), [], pytest.fail, print, Time().wait, 600)


def test_the_last_failure_is_the_latest_rollout_that_did_not_end_well() -> None:
    ecs = FakeRollouts()
    for status in ("ROLLBACK_SUCCESSFUL", "STOPPED", "SUCCESSFUL"):
        ecs.release("image", status=status)
    ecs.deployments[1]["finishedAt"] = START + 9 * MINUTE

    assert Failure(START + 2 * MINUTE, START + 9 * MINUTE) == alarms.last_failure(ecs, SERVICE)


def test_a_service_of_good_releases_has_no_failure() -> None:
    ecs = FakeRollouts()
    ecs.release("image", status="SUCCESSFUL")

    assert alarms.last_failure(ecs, SERVICE) is None
