"""The order in which a task's containers start and stop."""

from typing import Any

import pytest

from local_aws.ecs.tasks.dependencies import State, is_lost, is_met, lost, startable, stop_order

PENDING = State()
RUNNING = State("RUNNING")
HEALTHY = State("RUNNING", health="HEALTHY")
UNHEALTHY = State("RUNNING", health="UNHEALTHY")
DONE = State("STOPPED", 0)
BROKEN = State("STOPPED", 1)


def definition(name: str, **depends_on: str) -> dict[str, Any]:
    return {
        "name": name,
        "dependsOn": [{"containerName": n, "condition": c} for n, c in depends_on.items()],
    }


TASK = [definition("app", migrate="SUCCESS"), definition("migrate")]


@pytest.mark.parametrize(
    ("condition", "met", "lost_with"),
    [
        ("START", [RUNNING, HEALTHY, DONE, BROKEN], []),
        ("COMPLETE", [DONE, BROKEN], []),
        ("SUCCESS", [DONE], [BROKEN]),
        ("HEALTHY", [HEALTHY], [UNHEALTHY, DONE, BROKEN]),
    ],
)
def test_each_condition_is_met_and_lost_as_documented(
    condition: str, met: list[State], lost_with: list[State]
) -> None:
    every = [PENDING, RUNNING, HEALTHY, UNHEALTHY, DONE, BROKEN]

    assert met == [state for state in every if is_met(condition, state) and state is not UNHEALTHY]
    assert lost_with == [state for state in every if is_lost(condition, state)]


def test_a_container_waits_for_what_it_depends_on() -> None:
    assert ["migrate"] == startable(TASK, {"app": PENDING, "migrate": PENDING})
    assert [] == startable(TASK, {"app": PENDING, "migrate": RUNNING})
    assert ["app"] == startable(TASK, {"app": PENDING, "migrate": DONE})


def test_a_migration_that_failed_is_named_in_the_agents_words() -> None:
    words = (
        "dependency graph: failed to resolve container ordering dependency [migrate] for target [app] "
        "as dependency did not exit successfully."
    )

    assert lost(TASK, {"app": PENDING, "migrate": BROKEN}) == ("app", words)
    assert lost(TASK, {"app": RUNNING, "migrate": DONE}) is None


def test_containers_stop_before_what_they_depend_on() -> None:
    chain = [definition("a"), definition("b", a="START"), definition("c", b="START")]

    assert ["c", "b", "a"] == stop_order(chain)
