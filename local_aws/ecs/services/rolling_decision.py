"""What an ECS rolling deployment does next: pure. Given a service and its tasks, which to start and which
to stop, and whether the deployment is complete or has failed.

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
    """A task that was not asked to stop yet.

    healthy: it runs, and passes the health checks that there are.
    fault: why the scheduler must replace it, in ECS's words; "" when nothing is wrong with it.
    """

    id: str
    deployment: str
    healthy: bool = False
    fault: str = ""


@dataclass(frozen=True)
class ServiceView:
    """A service at one moment. primary: the deployment that is rolled out; failed_tasks: in a row.

    breaker: whether the circuit breaker is on; given_up: the deployment failed and starts nothing any more.
    may_start: False while the scheduler holds back after failures.
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
    """How many failed tasks trip the circuit breaker."""
    return min(HIGHEST_THRESHOLD, max(LEAST_THRESHOLD, math.ceil(0.5 * desired)))


def restart_pause(failed_tasks: int) -> float:
    """Minutes the scheduler waits before the next start after so many failures in a row.

    ECS throttles a service that cannot start its tasks, with pauses up to 15 minutes:
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
    """Tasks too many: never so that fewer than the minimum are healthy."""
    reason = f"Scaling activity initiated by (deployment {service.primary})"
    least = math.ceil(service.desired * service.minimum_percent / 100)
    spare = sum(task.healthy for task in [*new, *old]) - least
    # While a deployment that failed has nothing to roll back to, what still serves goes on serving.
    leaving = [] if service.given_up else sorted(old, key=lambda task: task.healthy)
    surplus = sorted(new, key=lambda task: task.healthy)[: max(0, len(new) - service.desired)]
    chosen: list[TaskView] = []
    for task in [*leaving, *surplus]:
        if not task.healthy or spare > 0:
            chosen.append(task)
            spare -= task.healthy
    return tuple((task.id, reason) for task in chosen)
