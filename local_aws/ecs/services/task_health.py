"""Whether a service's task counts as healthy, and why an unhealthy task must be replaced.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from collections.abc import Mapping
from typing import Any

from local_aws.ecs.services.rolling_decision import TaskView
from local_aws.ecs.services.service import Service
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups

# A task without health checks is healthy after this time.
SETTLED_SECONDS = 2.0


def registrations(task: Task, settings: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The target groups of a task, each with the container's port."""
    names = {container.name for container in task.containers}
    return [
        (one["targetGroupArn"], int(one["containerPort"]))
        for one in settings.get("loadBalancers") or []
        if one.get("targetGroupArn") and one["containerName"] in names
    ]


def is_healthy(task: Task, settings: Mapping[str, Any], groups: TargetGroups, now: float) -> bool:
    """Whether the task runs, and passes the health checks of its containers and its target groups."""
    if task.last_status != "RUNNING" or task.desired_status == "STOPPED" or task.started_at is None:
        return False
    behind = registrations(task, settings)
    checked = any(container.has_health_check for container in task.containers if container.essential)
    if checked and task.health != "HEALTHY":
        return False
    if any(groups.health(group, task.address, port).state != "healthy" for group, port in behind):
        return False
    return bool(checked or behind) or now - task.started_at >= SETTLED_SECONDS


def times_of(task: Task, service: Service) -> list[float]:
    """The times at which a task's health changes by itself, in seconds since 1970."""
    if task.started_at is None or task.is_over:
        return []
    return [task.started_at + SETTLED_SECONDS, task.started_at + service.grace_seconds]


def view_of(task: Task, service: Service, groups: TargetGroups, now: float) -> TaskView:
    """The task for `rolling_decision.decide`."""
    settings: Mapping[str, Any] = {}
    for deployment in service.deployments:
        if deployment.id == task.started_by:
            settings = deployment.settings
    healthy = is_healthy(task, settings, groups, now)
    return TaskView(task.id, task.started_by, healthy, _fault(task, service, settings, groups, now))


def _fault(
    task: Task, service: Service, settings: Mapping[str, Any], groups: TargetGroups, now: float
) -> str:
    if task.last_status != "RUNNING" or task.started_at is None:
        return ""
    if now - task.started_at < service.grace_seconds:
        return ""
    if task.health == "UNHEALTHY":
        return "Task failed container health checks"
    for group, port in registrations(task, settings):
        health = groups.health(group, task.address, port)
        if health.state == "unhealthy":
            reason = f"due to (reason {health.description})"
            return f"Task failed ELB health checks in (target-group {group}) {reason}"
    return ""
