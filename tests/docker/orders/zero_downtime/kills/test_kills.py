"""The pipeline is killed in every lifecycle stage: AWS comes to rest alone, and nobody notices."""

import time

import pytest

from tests.support.fake_rollout import STAGES
from tests.support.rollouts import seconds_of_rollback
from tests.support.steady_load import faults
from tests.support.zero_downtime import AT_LEAST_PER_SECOND, DEPLOY, Releases, Service, first_answer_of
from tests.support.zero_downtime_report import AFTER_KILL, Row

TASKS = 1
ANSWERED = STAGES.index("POST_TEST_TRAFFIC_SHIFT") + 1
"""From this stage on, the last gate is answered."""


@pytest.mark.parametrize("stage", STAGES[:ANSWERED])
def test_a_pipeline_killed_before_it_has_answered_leaves_the_gate_to_its_timeout(
    releases: Releases, stage: str
) -> None:
    before = releases.served_version()
    begun = kill_in(stage, releases, 6, 12, 24)
    seconds, asked = time.time() - begun, releases.since(begun)
    rollout = releases.aws.newest_rollout()
    rolled_back = seconds_of_rollback(rollout)
    releases.add(
        Row.of(f"killed in {stage}", asked, seconds, rolled_back=rolled_back, ended="hook timed out")
    )

    assert "ROLLBACK_SUCCESSFUL" == rollout["status"]
    assert "pause hook timed out" in rollout["rollback"]["reason"]
    assert {before} == {one.version for one in asked}
    assert [] == faults(asked)
    # The version whose release was killed is the one that the next release carries on with, once.
    releases.good_one(AFTER_KILL, edited=stage != "POST_TEST_TRAFFIC_SHIFT")


@pytest.mark.parametrize("stage", STAGES[ANSWERED:])
def test_a_pipeline_killed_after_it_has_answered_leaves_the_release_to_ecs(
    releases: Releases, stage: str
) -> None:
    before = releases.served_version()
    begun = kill_in(stage, releases, 60)
    seconds, asked = time.time() - begun, releases.since(begun)
    after = releases.served_version()
    switched = first_answer_of(after, asked, begun)
    rollout = releases.aws.newest_rollout()
    ended = "released by ECS alone"
    releases.add(Row.of(f"killed in {stage}", asked, seconds, switched=switched, ended=ended))

    assert "SUCCESSFUL" == rollout["status"]
    assert before != after
    assert {before, after} == {one.version for one in asked}
    assert [] == faults(asked)


def test_the_release_after_the_last_kill_goes_through(releases: Releases) -> None:
    releases.good_one(AFTER_KILL)


def test_there_was_a_kill_in_every_stage(service: Service) -> None:
    assert {f"killed in {stage}" for stage in STAGES} == service.report.kinds - {AFTER_KILL}


def test_there_were_at_least_fifty_requests_a_second_over_all_releases(service: Service) -> None:
    assert service.report.rate >= AT_LEAST_PER_SECOND


def kill_in(stage: str, releases: Releases, *gate_minutes: int) -> float:
    """Release another version, SIGKILL the pipeline in that stage, and wait until AWS is at rest.

    The local AWS holds the deployment in the stage until the pipeline is dead. gate_minutes: the gates'
    timeout; the next is for a machine so busy that a gate timed out before the pipeline answered it. Gives
    when the release began, Unix time.
    """
    for minutes in gate_minutes:
        releases.parameter("GateTimeoutMinutes", minutes)
        if stage == "RECONCILE_SERVICE":
            releases.aws.leave_a_second_revision()
        releases.edit(f"killed in {stage}")
        begun, hold = time.time(), releases.service.hold
        hold.write_text(stage, encoding="utf-8")
        try:
            with releases.clone.start(*DEPLOY) as deploy:
                releases.aws.wait_for_a_rollout_in(stage, begun)
                deploy.kill()
                code = deploy.wait()
            rollout = releases.aws.newest_rollout()
        finally:
            hold.unlink()
        releases.aws.wait_for_rest()
        if (stage, "IN_PROGRESS") == (rollout["lifecycleStage"], rollout["status"]):
            releases.parameter("GateTimeoutMinutes", 60)
            assert -9 == code
            return begun
    pytest.fail(f"the pipeline was not killed in {stage}")
