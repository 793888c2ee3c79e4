"""The state of a CloudWatch alarm from its datapoints: pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}


def alarm_state(alarm: Mapping[str, Any], minutes: Sequence[float | None]) -> str:
    """OK, ALARM or INSUFFICIENT_DATA.

    minutes: the metric's value in each past minute, oldest first, None for a minute without a value.
    alarm: the alarm's record with Period (seconds), EvaluationPeriods, DatapointsToAlarm, TreatMissingData
    ...
    """
    length = max(1, int(alarm.get("Period", 60)) // 60)
    count = int(alarm.get("EvaluationPeriods", 1))
    wanted = int(alarm.get("DatapointsToAlarm") or count)
    statistic = STATISTICS[alarm.get("Statistic") or "Average"]
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    recent = [*repeat(None, length * count), *minutes]
    recent = recent[len(recent) - length * count :]
    periods = [
        [value for value in recent[start : start + length] if value is not None]
        for start in range(0, len(recent), length)
    ]
    treat = alarm.get("TreatMissingData") or "missing"
    breaching = [
        breaches(statistic(values), float(alarm["Threshold"])) if values else treat == "breaching"
        for values in periods
    ]
    if sum(breaching) >= wanted:
        return "ALARM"
    if not any(periods) and treat in ("missing", "ignore"):
        return str(alarm["StateValue"]) if treat == "ignore" else "INSUFFICIENT_DATA"
    return "OK"
