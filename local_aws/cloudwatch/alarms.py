"""CloudWatch alarms on the load balancer's metrics, evaluated once in each of AWS's minutes.

The metrics are HTTPCode_Target_5XX_Count and UnHealthyHostCount, by load balancer or by its target group:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

from local_aws.cloudwatch.alarm_state import alarm_state
from local_aws.elb.records import Records, full_name
from local_aws.elb.target_groups import TargetGroups, target_groups
from local_aws.emulator import cloudwatch
from local_aws.emulator.registry import Registry

ALARM = "AWS::CloudWatch::Alarm"
NAMESPACE = "AWS/ApplicationELB"
ERRORS, UNHEALTHY = "HTTPCode_Target_5XX_Count", "UnHealthyHostCount"
KEPT_MINUTES = 1440

logger = logging.getLogger("slipway.alarms")


def in_alarm(registry: Registry, names: Iterable[str]) -> list[str]:
    """The alarms among `names` that are in ALARM, in the region of this thread."""
    alarms = registry.records(ALARM)
    return [name for name in names if (alarms.get(name) or {}).get("StateValue") == "ALARM"]


class TargetMetrics:
    """The metrics of each target group in every past minute, oldest first."""

    def __init__(self, groups: TargetGroups) -> None:
        self._groups = groups
        self._minutes: dict[tuple[str, str], deque[float | None]] = defaultdict(
            lambda: deque(maxlen=KEPT_MINUTES)
        )

    def end_minute(self) -> None:
        """Record the metrics of the minute that ends. As at AWS, no errors and no targets give no data."""
        errors = self._groups.take_errors()
        for group in self._groups.groups():
            targets = [one for one in self._groups.targets(group) if one.draining_since is None]
            unhealthy = sum(one.health.state == "unhealthy" for one in targets)
            self._minutes[group, ERRORS].append(errors.get(group) or None)
            self._minutes[group, UNHEALTHY].append(unhealthy if targets else None)

    def values(self, groups: Iterable[str], metric: str) -> list[float | None]:
        """The sum of one metric over `groups` in each minute."""
        rows = [list(self._minutes[group, metric]) for group in groups if (group, metric) in self._minutes]
        longest = max(map(len, rows), default=0)
        padded = [[*repeat(None, longest - len(row)), *row] for row in rows]
        columns = ([value for value in column if value is not None] for column in zip(*padded, strict=True))
        return [sum(column) if column else None for column in columns]


class Alarms:
    """Writes the state of alarms. A state that SetAlarmState set stays for one minute."""

    def __init__(self, registry: Registry, metrics: TargetMetrics) -> None:
        self._registry = registry
        self._metrics = metrics
        self._alarms = registry.records(ALARM)
        self._balancers = Records(registry)
        self._seen: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        threading.Thread(target=self._loop, name="cloudwatch-alarms", daemon=True).start()

    def evaluate(self) -> None:
        """Evaluate every alarm on the load balancer's metrics once."""
        self._metrics.end_minute()
        for region in self._registry.regions(ALARM):
            with self._registry.scope(region):
                for name, alarm in self._alarms.items():
                    if alarm.get("Namespace") == NAMESPACE and alarm.get("MetricName") in (ERRORS, UNHEALTHY):
                        self._evaluate(region, name, alarm)

    def _evaluate(self, region: str, name: str, alarm: dict[str, Any]) -> None:
        before = alarm["StateValue"]
        if before != self._seen.setdefault((region, name), before):
            self._seen[region, name] = before
            return
        values = self._metrics.values(self._groups_of(alarm), alarm["MetricName"])
        state = self._seen[region, name] = alarm_state(alarm, values)
        if state != before:
            reason = "Threshold Crossed: {MetricName} {ComparisonOperator} {Threshold}".format_map(alarm)
            alarm["StateValue"], alarm["StateReason"] = state, reason
            alarm["StateUpdatedTimestamp"] = int(time.time())
            cloudwatch.state_changed(alarm, before)

    def _groups_of(self, alarm: Mapping[str, Any]) -> list[str]:
        wanted = _dimensions(alarm)
        return [
            group
            for group, record in self._balancers.target_groups.items()
            if wanted.get("TargetGroup", full_name(group)) == full_name(group)
            and wanted.get("LoadBalancer", "") in {full_name(one) for one in record["LoadBalancerArns"]}
        ]

    def _loop(self) -> None:
        while not threading.Event().wait(self._registry.checkout.minute_seconds):
            try:
                self.evaluate()
            except Exception:
                logger.exception("the alarms were not evaluated")


def _dimensions(alarm: Mapping[str, Any]) -> dict[str, str]:
    given = alarm.get("Dimensions") or {}
    return dict(given) if isinstance(given, Mapping) else {one["Name"]: one["Value"] for one in given}


def register(registry: Registry) -> None:
    known = registry.records(ALARM)

    def note_since_when(name: str) -> None:
        if name in known:  # DescribeAlarms shows it for every alarm; MiniStack for composite alarms only
            known[name]["StateTransitionedTimestamp"] = int(time.time())

    cloudwatch.on_state_change(note_since_when)
    # MiniStack evaluates in real minutes, and over all dimensions together.
    cloudwatch.evaluate_only(lambda alarm: alarm.get("Namespace") != NAMESPACE)
    registry.on_start(Alarms(registry, TargetMetrics(target_groups(registry))).start)
