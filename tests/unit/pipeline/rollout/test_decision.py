"""What a rollout asks for next: every stage, status and hook state that AWS documents."""

import itertools
from dataclasses import replace

import pytest

from pipeline.aws.service_deployment import STAGES, STATUSES, Hook, ServiceDeployment
from pipeline.rollout import decision
from pipeline.rollout.decision import Do, Limits, Seen
from tests.support.fakes import START

LIMITS = Limits(healthy_seconds=60, probe_errors=3)
HOOK_STATUSES = ("AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT")
TRAFFIC = STAGES[6:10]


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


def expected(stage: str, status: str, kind: str, hook: str | None) -> Do:
    if status in ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
        return Do.NOTHING_MORE
    gates = {"PRE_SCALE_UP": Do.MIGRATE, "POST_TEST_TRAFFIC_SHIFT": Do.TEST}
    if (status, kind, hook) == ("IN_PROGRESS", "PAUSE", "AWAITING_ACTION"):
        return gates.get(stage, Do.WAIT)
    return Do.WAIT


@pytest.mark.parametrize(
    ("stage", "status", "kind", "hook"),
    [
        (stage, status, kind, hook)
        for stage, status, kind, hook in itertools.product(
            ("", *STAGES), STATUSES, ("PAUSE", "AWS_LAMBDA"), (None, *HOOK_STATUSES)
        )
        if hook or kind == "PAUSE"
    ],
)
def test_each_stage_status_and_hook_state_has_its_step(
    stage: str, status: str, kind: str, hook: str | None
) -> None:
    assert expected(stage, status, kind, hook) == do(at(stage, status, hook, kind=kind))


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


@pytest.mark.parametrize("stage", STAGES)
def test_errors_of_the_probe_count_from_the_shift_to_the_end_of_the_bake(stage: str) -> None:
    spec = Do.ROLL_BACK if stage in TRAFFIC else Do.WAIT

    assert spec == do(at(stage), Seen(probe_errors=3))
    assert Do.WAIT == do(at(stage), Seen(probe_errors=2))


def test_errors_of_the_probe_count_all_through_a_rolling_update() -> None:
    rolling = replace(at(""), strategy="ROLLING")

    assert Do.ROLL_BACK == do(rolling, Seen(probe_errors=3))
    assert Do.WAIT == do(replace(rolling, sources=()), Seen(probe_errors=3))
    assert Do.WAIT == do(at(""), Seen(probe_errors=3))


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_deployment_of_all_counts_errors_only_once_its_traffic_has_shifted(stage: str) -> None:
    spec = Do.ROLL_BACK if stage == "BAKE_TIME" else Do.WAIT

    assert spec == do(at(stage, sources=()), Seen(probe_errors=99))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("alarm", ["TRIGGERED", "MONITORING", "MONITORING_COMPLETE", "DISABLED", ""])
def test_an_alarm_during_shift_or_bake_rolls_back(stage: str, alarm: str) -> None:
    spec = Do.ROLL_BACK if stage in TRAFFIC and alarm == "TRIGGERED" else Do.WAIT

    assert spec == do(at(stage, alarm=alarm))


@pytest.mark.parametrize("stage", STAGES)
def test_a_version_that_never_becomes_healthy_is_given_up(stage: str) -> None:
    spec = Do.ROLL_BACK if stage in ("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP") else Do.WAIT

    assert spec == do(at(stage), Seen(scaling_seconds=61))
    assert Do.WAIT == do(at(stage), Seen(scaling_seconds=60))


def test_the_reason_says_how_many_tasks_came_up() -> None:
    assert "0 of 2 tasks" in decision.judge(at("SCALE_UP"), Seen(scaling_seconds=61), LIMITS).why


@pytest.mark.parametrize("status", ["STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"])
def test_what_rolls_back_already_is_left_to_itself(status: str) -> None:
    assert Do.WAIT == do(at("BAKE_TIME", status, alarm="TRIGGERED"), Seen(99.0, 99))


def test_a_stack_that_rolls_back_is_never_stopped() -> None:
    assert Do.WAIT == do(at("SCALE_UP"), Seen(scaling_seconds=999, stack_rolls_back=True))
