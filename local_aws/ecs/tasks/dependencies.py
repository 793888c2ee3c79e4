"""The order in which the containers of a task start and stop: pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_aws.shapes import ContainerDefinition


@dataclass(frozen=True)
class State:
    """status: PENDING, RUNNING or STOPPED; health: UNKNOWN, HEALTHY or UNHEALTHY."""

    status: str = "PENDING"
    exit_code: int | None = None
    health: str = "UNKNOWN"


def is_met(condition: str, state: State) -> bool:
    """Whether a dependency's condition holds."""
    return {
        "START": state.status != "PENDING",
        "COMPLETE": state.status == "STOPPED",
        "SUCCESS": state.status == "STOPPED" and state.exit_code == 0,
        "HEALTHY": state.status == "RUNNING" and state.health == "HEALTHY",
    }[condition]


def is_lost(condition: str, state: State) -> bool:
    """Whether a dependency's condition can no longer come true."""
    if condition == "SUCCESS":
        return state.status == "STOPPED" and state.exit_code != 0
    return condition == "HEALTHY" and (state.status == "STOPPED" or state.health == "UNHEALTHY")


def startable(definitions: Sequence[ContainerDefinition], states: Mapping[str, State]) -> list[str]:
    """The containers that can start now."""
    return [
        one["name"]
        for one in definitions
        if states[one["name"]].status == "PENDING"
        and all(is_met(d["condition"], states[d["containerName"]]) for d in one.get("dependsOn") or [])
    ]


def lost(definitions: Sequence[ContainerDefinition], states: Mapping[str, State]) -> tuple[str, str] | None:
    """A container that can never start, and the reason in the ECS agent's words."""
    for one in definitions:
        if states[one["name"]].status != "PENDING":
            continue
        for dependency in one.get("dependsOn") or []:
            name, condition = dependency["containerName"], dependency["condition"]
            if is_lost(condition, states[name]):
                verb = "did not exit successfully" if condition == "SUCCESS" else "did not become healthy"
                return one["name"], (
                    f"dependency graph: failed to resolve container ordering dependency [{name}] "
                    f"for target [{one['name']}] as dependency {verb}."
                )
    return None


def stop_order(definitions: Sequence[ContainerDefinition]) -> list[str]:
    """The containers in the order in which they stop: each before its dependencies."""
    remaining = {one["name"]: {d["containerName"] for d in one.get("dependsOn") or []} for one in definitions}
    order: list[str] = []
    while remaining:
        needed = set().union(*remaining.values())
        free = [name for name in remaining if name not in needed] or list(remaining)
        for name in free:
            order.append(name)
            del remaining[name]
    return order
