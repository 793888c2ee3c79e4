"""The waits of an environment fit each other, or nothing is begun."""

from typing import Any

import pytest

from pipeline.config import environment, project, timeouts
from pipeline.config.environment import Environment, Rollout
from pipeline.context import nodes_of
from pipeline.errors import EnvironmentFileError
from tests.support.repository import ROOT

DEFAULTS = {
    "DeploymentStrategy": "BLUE_GREEN",
    "DeploymentGate": "true",
    "GateTimeoutMinutes": "30",
    "BakeTimeMinutes": "15",
    "CanaryBakeTimeMinutes": "10",
    "LinearStepPercent": "10",
    "LinearStepBakeTimeMinutes": "6",
}


def env(target: str = "aws", **rollout: Any) -> Environment:
    known = {"account": "1" * 12, "region": "eu-west-1", "stack_timeout_minutes": 90}
    return Environment(name="dev", target=target, rollout=Rollout(**rollout), **known)  # type: ignore[arg-type]


def faults(environment: Environment, **parameters: str) -> tuple[str, ...]:
    try:
        timeouts.check(environment, DEFAULTS | parameters)
    except EnvironmentFileError as error:
        return error.details
    return ()


@pytest.mark.parametrize(
    ("strategy", "minutes"), [("ROLLING", 0), ("BLUE_GREEN", 15), ("CANARY", 25), ("LINEAR", 69)]
)
def test_a_rollout_bakes_as_long_as_its_strategy_says(strategy: str, minutes: float) -> None:
    assert minutes == timeouts.bake_minutes(DEFAULTS | {"DeploymentStrategy": strategy})


def test_a_rollout_that_takes_longer_than_it_is_watched_is_refused_with_all_that_adds_up() -> None:
    [fault] = faults(env(), DeploymentStrategy="LINEAR")

    assert fault.startswith("stack_timeout_minutes: is 90; a LINEAR rollout may take 104 minutes here")


def test_a_migration_that_may_outlast_its_gate_is_refused() -> None:
    [fault] = faults(env(), GateTimeoutMinutes="20")

    assert fault.startswith("rollout.migration_minutes: is 20; it must be less than GateTimeoutMinutes (20)")


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        ("aws", {}),
        ("aws", {"GateTimeoutMinutes": "20", "DeploymentGate": "false"}),
        ("aws", {"GateTimeoutMinutes": "20", "DeploymentStrategy": "ROLLING"}),
        ("local", {"GateTimeoutMinutes": "1", "BakeTimeMinutes": "1440"}),
    ],
)
def test_what_fits_is_let_through(target: str, parameters: dict[str, str]) -> None:
    assert () == faults(env(target), **parameters)


def test_a_template_without_a_rollout_has_no_waits() -> None:
    timeouts.check(env(), {"TaskCount": "1"})


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "CANARY", "LINEAR", "ROLLING"])
def test_the_environments_that_ship_can_be_released_with_every_strategy(name: str, strategy: str) -> None:
    shipped = environment.load(name, ROOT / "infra/environments")
    changed = {**shipped.parameters, "DeploymentStrategy": strategy}
    for node in nodes_of(project.find(ROOT), shipped.model_copy(update={"parameters": changed})).values():
        timeouts.check(shipped, node.given)
