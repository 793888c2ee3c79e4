"""What is thought of a task's container before Docker has a verdict."""

import pytest

from local_aws.ecs.tasks.first_checks import FIRST_CHECKS_SECONDS, await_first_success
from local_aws.ecs.tasks.task import Container


@pytest.fixture
def container() -> Container:
    return Container("app", "i", essential=True, has_health_check=True, status="RUNNING")


def test_a_new_container_is_asked_every_half_second_until_it_is_healthy(container: Container) -> None:
    slept: list[float] = []
    answers = iter([False, False, True])
    await_first_success(container, lambda: next(answers), slept.append)

    assert [FIRST_CHECKS_SECONDS] * 3 == slept
    assert container.health == "HEALTHY"


@pytest.mark.parametrize(("change", "value"), [("status", "STOPPED"), ("health", "UNHEALTHY")])
def test_nobody_asks_a_container_that_ended_or_that_docker_has_judged(
    container: Container, change: str, value: str
) -> None:
    def fails() -> bool:
        setattr(container, change, value)
        return False

    await_first_success(container, fails, lambda _: None)

    assert value == getattr(container, change)
    assert container.health != "HEALTHY"


def test_dockers_verdict_stands_when_it_comes_before_the_answer(container: Container) -> None:
    def passes() -> bool:
        container.health = "UNHEALTHY"
        return True

    await_first_success(container, passes, lambda _: None)

    assert container.health == "UNHEALTHY"
