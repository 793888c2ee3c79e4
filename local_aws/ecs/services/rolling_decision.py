"""What a rolling deployment does next: pure.

From a service and its tasks follow the tasks to start, the tasks to stop, and whether the deployment is
complete or failed.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_THRESHOLD = 3
HIGHEST_THRESHOLD = 200
LONGEST_PAUSE_MINUTES = 15.0


@dataclass(frozen=True)
class TaskView:
    """A task that has not been told to stop.

    healthy: the task runs and passes its health checks.
    fault: why the scheduler must replace the task, in ECS's words; "" when the task may stay.
    """

    id: str
    deployment: str
    healthy: bool = False
    fault: str = ""


@dataclass(frozen=True)
class ServiceView:
    """A service at one moment. primary: the id of the newest deployment; failed_tasks: in a row.

    breaker: whether the circuit breaker is on. given_up: the deployment failed and starts no more tasks.
    may_start: False while the scheduler waits after failures.
    """

    desired: int
    primary: str
    tasks: Sequence[TaskView] = ()
    minimum_percent: int = 100
    maximum_percent: int = 200
    failed_tasks: int = 0
    breaker: bool = True
    given_up: bool = False
    may_start: bool = True


@dataclass(frozen=True)
class Decision:
    """start: how many tasks of the primary deployment; stop: task ids with the reason for each."""

    start: int = 0
    stop: tuple[tuple[str, str], ...] = ()
    steady: bool = False
    failed: bool = False


def threshold(desired: int) -> int:
    """The number of failed tasks that trips the circuit breaker."""
    return min(HIGHEST_THRESHOLD, max(LEAST_THRESHOLD, math.ceil(0.5 * desired)))


def restart_pause(failed_tasks: int) -> float:
    """The minutes before the next start, after this many failures in a row.

    ECS throttles a service whose tasks fail to start, with pauses of up to 15 minutes:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
    """
    return (
        0.0 if failed_tasks < LEAST_THRESHOLD else min(LONGEST_PAUSE_MINUTES, 0.5 * 2 ** (failed_tasks - 3))
    )


def decide(service: ServiceView) -> Decision:
    """The next step of a service."""
    if service.breaker and not service.given_up and service.failed_tasks >= threshold(service.desired):
        return Decision(failed=True)
    faulty = tuple((task.id, task.fault) for task in service.tasks if task.fault)
    tasks = [task for task in service.tasks if not task.fault]
    new = [task for task in tasks if task.deployment == service.primary]
    old = [task for task in tasks if task.deployment != service.primary]
    stop = faulty + _superfluous(service, new, old)
    return Decision(
        start=_to_start(service, new, len(tasks)),
        stop=stop,
        steady=not old and not stop and len(new) == service.desired and all(task.healthy for task in new),
    )


def _to_start(service: ServiceView, new: Sequence[TaskView], live: int) -> int:
    if service.given_up or not service.may_start:
        return 0
    most = math.floor(service.desired * service.maximum_percent / 100)
    return max(0, min(service.desired - len(new), most - live))


def _superfluous(
    service: ServiceView, new: Sequence[TaskView], old: Sequence[TaskView]
) -> tuple[tuple[str, str], ...]:
    """The tasks to stop because they are too many. The minimum of healthy tasks stays."""
    reason = f"Scaling activity initiated by (deployment {service.primary})"
    least = math.ceil(service.desired * service.minimum_percent / 100)
    spare = sum(task.healthy for task in [*new, *old]) - least
    # A failed deployment without a rollback leaves the old tasks running.
    leaving = [] if service.given_up else sorted(old, key=lambda task: task.healthy)
    surplus = sorted(new, key=lambda task: task.healthy)[: max(0, len(new) - service.desired)]
    chosen: list[TaskView] = []
    for task in [*leaving, *surplus]:
        if not task.healthy or spare > 0:
            chosen.append(task)
            spare -= task.healthy
    return tuple((task.id, reason) for task in chosen)
