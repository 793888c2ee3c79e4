"""The service's alarms before a release: ECS watches no alarm in a rollout that begins while one is in ALARM.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html

So no release begins while an alarm is in ALARM. An alarm that a failed rollout has left in ALARM is waited
for: the tasks of that rollout are gone, and the alarm follows within minutes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.aws import service_deployment
from pipeline.errors import RolloutRefusedError, WaitTimeoutError
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from types_boto3_ecs import ECSClient


@dataclass(frozen=True)
class Failure:
    """When a rollout that failed began and ended."""

    began: datetime
    ended: datetime


def last_failure(ecs: "ECSClient", service_arn: str) -> Failure | None:
    """The latest rollout that was rolled back or stopped; None where no rollout was."""
    failed = service_deployment.listed(ecs, service_arn, service_deployment.FAILED)
    last = max(failed, key=lambda brief: brief["createdAt"], default=None)
    return None if last is None else Failure(last["createdAt"], last.get("finishedAt", last["createdAt"]))


def must_be_quiet(
    cloudwatch: "CloudWatchClient",
    names: Sequence[str],
    failure: Callable[[], Failure | None],
    log: Callable[[str], None],
    wait: Wait,
    patience: float,
) -> None:
    """Return once no alarm of `names` is in ALARM. failure: gives the rollout that failed last.

    Alarms that went into ALARM in that rollout, or within `patience` seconds after it, are waited for, at
    most `patience` seconds. Raises RolloutRefusedError then, and at once for any other alarm.
    """
    burning = _in_alarm(cloudwatch, names)
    if burning and _left_behind(burning, failure(), patience):
        log(
            f"{_names(burning)} in ALARM since the rollout that failed: waiting at most "
            f"{patience / 60:g} minutes for the alarms to clear"
        )
        try:
            wait(lambda: None if _in_alarm(cloudwatch, names) else True, what="the alarms", timeout=patience)
        except WaitTimeoutError:
            burning = _in_alarm(cloudwatch, names)
        else:
            burning = []
            log("no alarm is in ALARM any more")
    if burning:
        raise RolloutRefusedError(
            f"{_names(burning)} in ALARM before the release has begun",
            why=burning[0].get("StateReason", "CloudWatch gives no reason")
            + "; ECS disregards an alarm that is in ALARM when a rollout starts",
            next_step="wait until the alarm is over, or, to release the cure, deploy with --despite-alarms",
        )


def _in_alarm(cloudwatch: "CloudWatchClient", names: Sequence[str]) -> "list[MetricAlarmTypeDef]":
    if not names:
        return []
    alarms = cloudwatch.describe_alarms(AlarmNames=list(names), StateValue="ALARM")["MetricAlarms"]
    return [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]


def _left_behind(burning: "Sequence[MetricAlarmTypeDef]", failure: Failure | None, patience: float) -> bool:
    if failure is None:
        return False
    # CloudWatch gives whole seconds.
    first, last = failure.began - timedelta(seconds=1), failure.ended + timedelta(seconds=patience)
    since = [alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"] for alarm in burning]
    return all(first <= moment <= last for moment in since)


def _names(alarms: "Sequence[MetricAlarmTypeDef]") -> str:
    return ", ".join(alarm["AlarmName"] for alarm in alarms)
