"""Service deployments as records, in the shapes of the API.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.ecs.services.pause_hooks import Hook
from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.stages import Step
from local_aws.ecs.tasks.task import Task, count
from local_aws.shapes import DeploymentConfiguration

ONGOING = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)


@dataclass
class ServiceDeployment:
    """A service deployment. Times are seconds since 1970; percentages are the new revision's traffic.

    old: the revision for a rollback, None at the first deployment. superseded: revisions of earlier,
    unfinished deployments, whose tasks are removed first. steps: the stages. at: the index of the present
    stage.
    """

    service_arn: str
    cluster_arn: str
    configuration: DeploymentConfiguration
    new: TaskSet
    created_at: float
    old: TaskSet | None = None
    superseded: Sequence[TaskSet] = ()
    steps: tuple[Step, ...] = ()
    at: int = 0
    status: str = "PENDING"
    reason: str = ""
    entered_at: float = 0.0
    finished_at: float | None = None
    stopped_at: float | None = None
    updated_at: float = 0.0
    hooks: list[Hook] = field(default_factory=list)
    stop_requested: bool = False
    rollback: dict[str, Any] = field(default_factory=dict)
    test_percent: float = 0.0
    production_percent: float = 0.0
    alarms_watched: bool = False
    triggered: list[str] = field(default_factory=list)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def arn(self) -> str:
        return f"{self.service_arn.replace(':service/', ':service-deployment/')}/{self.id}"

    @property
    def step(self) -> Step:
        return self.steps[self.at]

    @property
    def moves_traffic(self) -> bool:
        return str(self.configuration["strategy"]) != "ROLLING"

    @property
    def is_ongoing(self) -> bool:
        return self.status in ONGOING

    @property
    def is_rolling_back(self) -> bool:
        return self.status == "ROLLBACK_IN_PROGRESS"

    @property
    def stage_hooks(self) -> list[Hook]:
        """The pause hooks that the deployment opened in its present stage."""
        return [hook for hook in self.hooks if hook.stage == self.step.stage]

    def become(self, status: str, now: float, reason: str = "") -> None:
        self.status, self.updated_at = status, now
        self.reason = reason or self.reason
        if status not in ONGOING:
            self.finished_at = now
            self.stopped_at = now if status == "STOPPED" else None

    def enter(self, at: int, now: float) -> None:
        """Enter a stage. The caller opens the stage's hooks."""
        self.at, self.entered_at, self.updated_at = at, now, now
        self.hooks = [hook for hook in self.hooks if hook.status not in ("SUCCEEDED", "AWAITING_ACTION")]

    @property
    def alarm_names(self) -> list[str]:
        alarms = self.configuration.get("alarms")
        return list(alarms.get("alarmNames") or []) if alarms and alarms.get("enable") else []

    def watch(self, in_alarm: Callable[[list[str]], list[str]]) -> None:
        """Decide at the start whether alarms count. If one is in ALARM already, ECS ignores all alarms.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        """
        self.alarms_watched = bool(self.alarm_names) and not in_alarm(self.alarm_names)

    def look_at_alarms(self, in_alarm: Callable[[list[str]], list[str]]) -> list[str]:
        """Note the alarms that went into ALARM. Returns all that did so far."""
        if self.alarms_watched:
            new = [name for name in in_alarm(self.alarm_names) if name not in self.triggered]
            self.triggered += new
        return self.triggered

    def brief(self) -> dict[str, Any]:
        """The deployment in the shape of ListServiceDeployments."""
        return _given(
            {
                "serviceDeploymentArn": self.arn,
                "serviceArn": self.service_arn,
                "clusterArn": self.cluster_arn,
                "createdAt": self.created_at,
                "startedAt": self.created_at,
                "finishedAt": self.finished_at,
                "targetServiceRevisionArn": self.new.revision_arn(self.service_arn),
                "status": self.status,
                "statusReason": self.reason,
            }
        )

    def describe(self, tasks: Sequence[Task], desired: int) -> dict[str, Any]:
        """The deployment in the shape of DescribeServiceDeployments. tasks: all tasks of the service."""
        brief = self.brief()
        del brief["targetServiceRevisionArn"]
        old = [one for one in (self.old, *self.superseded) if one is not None]
        return _given(
            {
                **brief,
                "stoppedAt": self.stopped_at,
                "updatedAt": self.updated_at,
                "sourceServiceRevisions": [self._summary(one, tasks, desired, is_new=False) for one in old],
                "targetServiceRevision": self._summary(self.new, tasks, desired, is_new=True),
                "lifecycleStage": self.step.stage if self.steps else None,
                "lifecycleHookDetails": [hook.describe() for hook in self.hooks],
                "deploymentConfiguration": dict(self.configuration),
                "rollback": self.rollback,
                "deploymentCircuitBreaker": self._breaker(desired),
                "alarms": self._alarms(),
            }
        )

    def _summary(
        self, revision: TaskSet, tasks: Sequence[Task], desired: int, *, is_new: bool
    ) -> dict[str, Any]:
        own = [task for task in tasks if task.started_by == revision.id]
        summary: dict[str, Any] = {
            "arn": revision.revision_arn(self.service_arn),
            "requestedTaskCount": desired if revision.count is None else revision.count,
            "runningTaskCount": count(own, "RUNNING"),
            "pendingTaskCount": count(own, "PENDING"),
        }
        if self.moves_traffic and (is_new or revision is self.old):
            for name, percent in (("Test", self.test_percent), ("Production", self.production_percent)):
                summary[f"requested{name}TrafficWeight"] = percent if is_new else 100.0 - percent
        return summary

    def _monitoring(self, *, enabled: bool, triggered: bool) -> str:
        if not enabled:
            return "DISABLED"
        if triggered:
            return "TRIGGERED"
        return "MONITORING" if self.is_ongoing else "MONITORING_COMPLETE"

    def _breaker(self, desired: int) -> dict[str, Any]:
        # The circuit breaker is for rolling deployments only.
        enabled = self.configuration["deploymentCircuitBreaker"]["enable"] and not self.moves_traffic
        status = self._monitoring(enabled=enabled, triggered="circuit breaker" in self.reason)
        return {
            "status": status,
            "failureCount": self.new.failed_tasks,
            "threshold": max(3, -(-desired // 2)),
        }

    def _alarms(self) -> dict[str, Any]:
        status = self._monitoring(enabled=self.alarms_watched, triggered=bool(self.triggered))
        return _given(
            {"status": status, "alarmNames": self.alarm_names, "triggeredAlarmNames": self.triggered}
        )


def _given(described: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value not in (None, "", {})}
