"""The state of an alarm from its datapoints."""

from typing import Any

import pytest

from local_aws.cloudwatch.alarm_state import alarm_state
from local_aws.cloudwatch.alarms import ERRORS, UNHEALTHY, TargetMetrics
from local_aws.elb.target_groups import TargetGroups
from local_aws.elb.target_health import Health


def alarm(**more: Any) -> dict[str, Any]:
    return {
        "StateValue": "OK",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 5.0,
        "TreatMissingData": "notBreaching",
        **more,
    }


@pytest.mark.parametrize(
    ("more", "minutes", "expected"),
    [
        ({}, [5.0], "ALARM"),
        ({}, [4.0], "OK"),
        ({}, [9.0, 4.0], "OK"),
        ({}, [None], "OK"),
        ({}, [], "OK"),
        ({"ComparisonOperator": "GreaterThanThreshold"}, [5.0], "OK"),
        ({"TreatMissingData": "missing"}, [None], "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "breaching"}, [None], "ALARM"),
        ({"TreatMissingData": "ignore", "StateValue": "ALARM"}, [None], "ALARM"),
        ({"EvaluationPeriods": 3, "Threshold": 1.0}, [1.0, 1.0], "OK"),
        ({"EvaluationPeriods": 3, "Threshold": 1.0}, [1.0, 1.0, 1.0], "ALARM"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [9.0, None, 9.0], "ALARM"),
        ({"Period": 120}, [3.0, 2.0], "ALARM"),
        ({"Period": 120, "Statistic": "Maximum"}, [3.0, 2.0], "OK"),
    ],
)
def test_the_state_follows_from_the_last_periods(
    more: dict[str, Any], minutes: list[float | None], expected: str
) -> None:
    assert expected == alarm_state(alarm(**more), minutes)


def test_errors_are_counted_by_minute_and_no_error_is_no_data() -> None:
    groups = TargetGroups()
    groups.register("blue", "10.0.0.1", 8080)
    metrics = TargetMetrics(groups)
    groups.count_error("blue")
    groups.count_error("blue")
    metrics.end_minute()
    metrics.end_minute()

    assert [2, None] == metrics.values(["blue"], ERRORS)


def test_unhealthy_targets_are_counted_and_a_group_without_targets_has_no_data() -> None:
    groups = TargetGroups()
    metrics = TargetMetrics(groups)
    metrics.end_minute()
    groups.register("blue", "10.0.0.1", 8080)
    groups.register("blue", "10.0.0.2", 8080)
    groups.update(groups.targets("blue")[0], lambda _: Health("unhealthy", "", ""))
    metrics.end_minute()

    assert [1] == metrics.values(["blue"], UNHEALTHY)


def test_the_metric_of_a_load_balancer_is_that_of_its_target_groups_together() -> None:
    groups = TargetGroups()
    metrics = TargetMetrics(groups)
    for group, number in {"blue": 2, "green": 1}.items():
        groups.register(group, "10.0.0.1", 8080)
        for _ in range(number):
            groups.count_error(group)
    metrics.end_minute()

    assert [3] == metrics.values(["blue", "green"], ERRORS)
