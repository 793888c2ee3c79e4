"""A new container is asked for its health before Docker asks for the first time."""

from collections.abc import Callable

from local_aws.ecs.tasks.task import Container

FIRST_CHECKS_SECONDS = 0.5


def await_first_success(
    container: Container, passes: Callable[[], bool], sleep: Callable[[float], None]
) -> None:
    """Ask a new container every half second whether it is healthy, until it is or Docker has a verdict.

    Docker asks for the first time when an interval is over. A failure that is seen here counts for nothing.
    """
    while container.status == "RUNNING" and container.health == "UNKNOWN":
        sleep(FIRST_CHECKS_SECONDS)
        if passes() and container.health == "UNKNOWN":
            container.health = "HEALTHY"
