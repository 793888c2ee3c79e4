"""What a rollout asks for next: every stage, status and hook state that AWS documents."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest

from pipeline.aws.service_deployment import UNDER_WAY, Hook, ServiceDeployment
from pipeline.rollout import decision
from pipeline.rollout.decision import Do, Limits, Seen
from tests.support.fake_rollout import STAGES
from tests.support.fakes import START

LIMITS = Limits(healthy_seconds=60, probe_errors=3)
HOOK_STATUSES = ("AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT")
TRAFFIC = STAGES[6:10]
ENDED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


def at(
    stage: str,
    status: str = "IN_PROGRESS",
    hook: str | None = None,
    *,
    kind: str = "PAUSE",
    alarm: str = "MONITORING",
    sources: tuple[str, ...] = ("old",),
) -> ServiceDeployment:
    return ServiceDeployment(
        arn="arn:deployment/1",
        status=status,
        created_at=START,
        stage=stage,
        reason="AWS's words",
        sources=sources,
        hooks=(Hook("hook-1", kind, hook),) if hook else (),
        requested=2,
        alarm_status=alarm,
        triggered_alarms=("errors",) if alarm == "TRIGGERED" else (),
    )


def do(deployment: ServiceDeployment, seen: Seen | None = None) -> Do:
    return decision.judge(deployment, seen or Seen(), LIMITS).do


def wrong(expected: Do, deployments: Iterable[ServiceDeployment], seen: Seen | None = None) -> list[str]:
    """Every deployment that asks for another step than the expected one, with the step that it asks for."""
    return [
        f"{deployment.stage} {deployment.status} {deployment.alarm_status} {deployment.hooks}: {step}"
        for deployment in deployments
        if (step := do(deployment, seen)) is not expected
    ]


EVERY_HOOK_STATE = [
    (kind, hook)
    for kind, hook in itertools.product(("PAUSE", "AWS_LAMBDA"), (None, *HOOK_STATUSES))
    if hook or kind == "PAUSE"
]
WHATEVER_IT_SAYS = list(itertools.product(("", *STAGES), EVERY_HOOK_STATE))


def test_a_deployment_that_has_ended_asks_for_nothing_more_whatever_else_it_says() -> None:
    deployments = [
        at(stage, status, hook, kind=kind) for status in ENDED for stage, (kind, hook) in WHATEVER_IT_SAYS
    ]

    assert [] == wrong(Do.NOTHING_MORE, deployments)


def test_a_pause_before_the_scale_up_asks_for_the_migration() -> None:
    assert Do.MIGRATE == do(at("PRE_SCALE_UP", hook="AWAITING_ACTION"))


def test_a_pause_after_the_test_traffic_shift_asks_for_the_tests() -> None:
    assert Do.TEST == do(at("POST_TEST_TRAFFIC_SHIFT", hook="AWAITING_ACTION"))


def test_every_other_stage_status_and_hook_state_is_waited_for() -> None:
    gates = ("PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")
    deployments = [
        at(stage, status, hook, kind=kind)
        for status in UNDER_WAY
        for stage, (kind, hook) in WHATEVER_IT_SAYS
        if not (status == "IN_PROGRESS" and stage in gates and (kind, hook) == ("PAUSE", "AWAITING_ACTION"))
    ]

    assert [] == wrong(Do.WAIT, deployments)


def test_a_status_that_nobody_knows_yet_is_no_end_and_asks_for_nothing() -> None:
    unknown = at("SCALE_UP", "ROLLBACK_PAUSED", alarm="TRIGGERED")

    assert unknown.under_way
    assert Do.WAIT == do(unknown, Seen(scaling_seconds=99, probe_errors=99))


def test_the_step_at_a_gate_names_the_hook_to_answer() -> None:
    step = decision.judge(at("PRE_SCALE_UP", hook="AWAITING_ACTION"), Seen(), LIMITS)

    assert step.hook is not None
    assert "hook-1" == step.hook.hook_id


@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"])
@pytest.mark.parametrize("seen", [Seen(stack_rolls_back=True), Seen(straight=True)])
def test_a_gate_lets_through_what_is_put_back_and_what_goes_straight(stage: str, seen: Seen) -> None:
    assert Do.CONTINUE == do(at(stage, hook="AWAITING_ACTION"), seen)


def test_errors_of_the_probe_count_from_the_shift_to_the_end_of_the_bake() -> None:
    before = [at(stage) for stage in STAGES if stage not in TRAFFIC]

    assert [] == wrong(Do.ROLL_BACK, map(at, TRAFFIC), Seen(probe_errors=3))
    assert [] == wrong(Do.WAIT, before, Seen(probe_errors=3))
    assert [] == wrong(Do.WAIT, map(at, STAGES), Seen(probe_errors=2))


def test_errors_of_the_probe_count_all_through_a_rolling_update() -> None:
    rolling = replace(at(""), strategy="ROLLING")

    assert Do.ROLL_BACK == do(rolling, Seen(probe_errors=3))
    assert Do.WAIT == do(replace(rolling, sources=()), Seen(probe_errors=3))
    assert Do.WAIT == do(at(""), Seen(probe_errors=3))


def test_the_first_deployment_of_all_counts_errors_only_once_its_traffic_has_shifted() -> None:
    before = [at(stage, sources=()) for stage in STAGES if stage != "BAKE_TIME"]

    assert [] == wrong(Do.ROLL_BACK, [at("BAKE_TIME", sources=())], Seen(probe_errors=99))
    assert [] == wrong(Do.WAIT, before, Seen(probe_errors=99))


def test_an_alarm_during_shift_or_bake_rolls_back() -> None:
    elsewhere = [at(stage, alarm="TRIGGERED") for stage in STAGES if stage not in TRAFFIC]

    assert [] == wrong(Do.ROLL_BACK, [at(stage, alarm="TRIGGERED") for stage in TRAFFIC])
    assert [] == wrong(Do.WAIT, elsewhere)


def test_an_alarm_that_is_not_triggered_changes_nothing() -> None:
    quiet = ("MONITORING", "MONITORING_COMPLETE", "DISABLED", "")

    assert [] == wrong(Do.WAIT, [at(stage, alarm=alarm) for stage in STAGES for alarm in quiet])


def test_a_version_that_never_becomes_healthy_is_given_up() -> None:
    scaling = ("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP")
    later = [at(stage) for stage in STAGES if stage not in scaling]

    assert [] == wrong(Do.ROLL_BACK, map(at, scaling), Seen(scaling_seconds=61))
    assert [] == wrong(Do.WAIT, later, Seen(scaling_seconds=61))
    assert [] == wrong(Do.WAIT, map(at, STAGES), Seen(scaling_seconds=60))


def test_the_reason_says_how_many_tasks_came_up() -> None:
    assert "0 of 2 tasks" in decision.judge(at("SCALE_UP"), Seen(scaling_seconds=61), LIMITS).why


@pytest.mark.parametrize("status", ["STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"])
def test_what_rolls_back_already_is_left_to_itself(status: str) -> None:
    assert Do.WAIT == do(at("BAKE_TIME", status, alarm="TRIGGERED"), Seen(99.0, 99))


def test_a_stack_that_rolls_back_is_never_stopped() -> None:
    assert Do.WAIT == do(at("SCALE_UP"), Seen(scaling_seconds=999, stack_rolls_back=True))
