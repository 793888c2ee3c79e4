"""What a service deployment that moves traffic does next: every stage, hook status and mishap as a table."""

from typing import Any

import pytest

from local_aws.ecs.services.pause_hooks import Hook
from local_aws.ecs.services.stages import (
    Move,
    Step,
    Verdict,
    View,
    judge,
    rollback_steps,
    shifts_of,
    steps_of,
    weights,
)


def hook(status: str, timeout_action: str = "ROLLBACK") -> Hook:
    return Hook("", 0.0, timeout_action, status)


ORDER = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
BEFORE_PRODUCTION = ORDER[:5]


def stages(configuration: dict[str, Any], *, reconcile: bool = False) -> list[str]:
    return [step.stage for step in steps_of(configuration, reconcile=reconcile)]


def test_a_blue_green_deployment_has_every_stage_once_in_the_order_of_aws() -> None:
    assert stages({"strategy": "BLUE_GREEN"}) == ORDER


def test_the_service_is_reconciled_first_when_several_revisions_are_active() -> None:
    assert stages({"strategy": "BLUE_GREEN"}, reconcile=True) == ["RECONCILE_SERVICE", *ORDER]


def test_both_production_stages_come_at_every_step_of_a_linear_deployment() -> None:
    production = ORDER[5:7]
    linear = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}

    assert stages(linear) == [*BEFORE_PRODUCTION, *production * 3, *ORDER[7:]]


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"strategy": "BLUE_GREEN"}, [(100.0, 0.0)]),
        ({"strategy": "CANARY"}, [(5.0, 10.0), (100.0, 0.0)]),
        (
            {
                "strategy": "CANARY",
                "canaryConfiguration": {"canaryPercent": 0.1, "canaryBakeTimeInMinutes": 0},
            },
            [(0.1, 0.0), (100.0, 0.0)],
        ),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 100.0}}, [(100.0, 0.0)]),
        ({"strategy": "LINEAR"}, [*((10.0 * n, 6.0) for n in range(1, 10)), (100.0, 0.0)]),
        (
            {
                "strategy": "LINEAR",
                "linearConfiguration": {"stepPercent": 33.3, "stepBakeTimeInMinutes": 2},
            },
            [(33.3, 2.0), (66.6, 2.0), (99.9, 2.0), (100.0, 0.0)],
        ),
    ],
)
def test_production_traffic_moves_in_the_steps_of_its_strategy_and_waits_after_each_but_the_last(
    configuration: dict[str, Any], expected: list[tuple[float, float]]
) -> None:
    assert expected == shifts_of(configuration)


@pytest.mark.parametrize(("given", "expected"), [(None, 15.0), (0, 0.0), (1440, 1440.0)])
def test_a_deployment_bakes_for_fifteen_minutes_unless_told_otherwise(given: Any, expected: float) -> None:
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": given}
    bake = next(step for step in steps_of(configuration, reconcile=False) if step.stage == "BAKE_TIME")

    assert expected == bake.minutes


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0.0, (0, 100)), (5.0, (5, 95)), (0.1, (1, 999)), (99.9, (999, 1)), (100.0, (100, 0))],
)
def test_weights_are_whole_numbers_that_a_rule_takes(percent: float, expected: tuple[int, int]) -> None:
    assert expected == weights(percent)


def test_a_rollback_moves_the_traffic_before_it_takes_the_new_tasks_away() -> None:
    assert rollback_steps(old_is_gone=False) == (Step("PRODUCTION_TRAFFIC_SHIFT", 0.0), Step("CLEAN_UP"))


def test_a_rollback_during_the_clean_up_brings_the_old_tasks_up_first() -> None:
    assert next(iter(rollback_steps(old_is_gone=True))) == Step("SCALE_UP")


def test_a_first_deployment_has_no_traffic_to_move_back() -> None:
    assert rollback_steps(old_is_gone=False, old_exists=False) == (Step("CLEAN_UP"),)


@pytest.mark.parametrize("stage", ["RECONCILE_SERVICE", *ORDER])
def test_a_stage_with_nothing_to_wait_for_is_left(stage: str) -> None:
    assert judge(View(Step(stage))) == Verdict(Move.NEXT)


@pytest.mark.parametrize("stage", ["RECONCILE_SERVICE", "SCALE_UP", "CLEAN_UP"])
def test_a_stage_whose_tasks_are_not_there_yet_waits(stage: str) -> None:
    assert judge(View(Step(stage), ready=False, minutes=1439)) == Verdict(Move.WAIT)


@pytest.mark.parametrize("stage", ["PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"])
def test_a_stage_lasts_its_minutes(stage: str) -> None:
    step = Step(stage, minutes=3)

    assert judge(View(step, minutes=2.9)) == Verdict(Move.WAIT)
    assert judge(View(step, minutes=3)) == Verdict(Move.NEXT)


@pytest.mark.parametrize(
    ("status", "timeout_action", "expected"),
    [
        ("AWAITING_ACTION", "ROLLBACK", Move.WAIT),
        ("AWAITING_ACTION", "CONTINUE", Move.WAIT),
        ("SUCCEEDED", "ROLLBACK", Move.NEXT),
        ("FAILED", "ROLLBACK", Move.ROLL_BACK),
        ("FAILED", "CONTINUE", Move.ROLL_BACK),
        ("TIMED_OUT", "ROLLBACK", Move.ROLL_BACK),
        ("TIMED_OUT", "CONTINUE", Move.NEXT),
    ],
)
@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"])
def test_a_hook_decides_by_its_status_and_its_timeout_action(
    stage: str, status: str, timeout_action: str, expected: Move
) -> None:
    assert expected is judge(View(Step(stage), hooks=[hook(status, timeout_action)])).move


def test_of_two_hooks_at_one_stage_both_must_be_answered() -> None:
    hooks = [hook("SUCCEEDED"), hook("AWAITING_ACTION")]

    assert judge(View(Step("PRE_SCALE_UP"), hooks=hooks)) == Verdict(Move.WAIT)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("RECONCILE_SERVICE", Move.NEXT),
        ("PRE_SCALE_UP", Move.NEXT),
        *((stage, Move.ROLL_BACK) for stage in ORDER[1:-1]),
        ("CLEAN_UP", Move.NEXT),
    ],
)
def test_an_alarm_counts_from_the_first_new_task_until_the_old_ones_go(stage: str, expected: Move) -> None:
    assert expected is judge(View(Step(stage), alarms=["errors"])).move


@pytest.mark.parametrize("stage", ORDER)
def test_a_stop_rolls_back_at_every_stage(stage: str) -> None:
    assert judge(View(Step(stage), stop=True)).move is Move.ROLL_BACK


@pytest.mark.parametrize("stage", ["SCALE_UP", "CLEAN_UP"])
def test_a_deployment_that_rolls_back_heeds_neither_stop_nor_alarm_nor_hook(stage: str) -> None:
    view = View(
        Step(stage), rolling_back=True, stop=True, alarms=["errors"], hooks=[hook("FAILED")], problem="no"
    )

    assert judge(view) == Verdict(Move.NEXT)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(Step("PRE_SCALE_UP"), problem="of a reason."), "of a reason."),
        (
            View(Step("POST_TEST_TRAFFIC_SHIFT"), hooks=[hook("TIMED_OUT")]),
            "POST_TEST_TRAFFIC_SHIFT pause hook timed out.",
        ),
        (View(Step("BAKE_TIME"), alarms=["a", "b"]), "CloudWatch alarm(s) a, b went into ALARM."),
        (View(Step("SCALE_UP"), ready=False, minutes=1440), "SCALE_UP did not end within 24 hours."),
        (View(Step("BAKE_TIME"), stop=True), "a rollback was requested by StopServiceDeployment."),
    ],
)
def test_a_rollback_tells_its_reason(view: View, expected: str) -> None:
    assert f"Service deployment rolled back because {expected}" == judge(view).reason
