"""Whether the timeouts of an environment fit each other, so that a rollout is watched to its end."""

import math
from collections.abc import Mapping

from pipeline.config.environment import Environment
from pipeline.errors import EnvironmentFileError

_NAMES = {
    "DeploymentStrategy",
    "DeploymentGate",
    "GateTimeoutMinutes",
    "BakeTimeMinutes",
    "CanaryBakeTimeMinutes",
    "LinearStepPercent",
    "LinearStepBakeTimeMinutes",
}


def check(environment: Environment, parameters: Mapping[str, str]) -> None:
    """Raises EnvironmentFileError where a rollout may take longer than the pipeline watches it, or where a
    gate may close while the migration still runs. parameters: of the template with the ECS service.

    Nothing is compared for a local AWS: its minutes are shorter than the pipeline's.
    """
    if environment.target == "local" or not parameters.keys() >= _NAMES:
        return
    rollout, strategy = environment.rollout, parameters["DeploymentStrategy"]
    faults = []
    minutes = bake_minutes(parameters) + rollout.healthy_within_minutes
    if gated(parameters):
        minutes += rollout.migration_minutes
        gate = float(parameters["GateTimeoutMinutes"])
        if rollout.migration_minutes >= gate:
            faults.append(
                f"rollout.migration_minutes: is {rollout.migration_minutes:g}; it must be less than "
                f"GateTimeoutMinutes ({gate:g}), or the gate closes while the migration still runs"
            )
    if minutes > environment.stack_timeout_minutes:
        faults.append(
            f"stack_timeout_minutes: is {environment.stack_timeout_minutes}; a {strategy} rollout may take "
            f"{minutes:g} minutes here (bake times and steps, healthy_within_minutes, migration_minutes), "
            "and must be watched to its end (on GitHub within release.yml's timeout-minutes)"
        )
    if faults:
        raise EnvironmentFileError(
            f"infra/environments/{environment.name}.yaml: its timeouts do not fit each other",
            next_step="mend the file and run the command again",
            details=faults,
        )


def gated(parameters: Mapping[str, str]) -> bool:
    """Whether a rollout pauses for the pipeline."""
    return parameters["DeploymentStrategy"] != "ROLLING" and parameters["DeploymentGate"] == "true"


def bake_minutes(parameters: Mapping[str, str]) -> float:
    """Minutes that ECS spends on steps and bake times, by the strategy in `parameters`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html
    """
    strategy = parameters["DeploymentStrategy"]
    if strategy == "ROLLING":
        return 0.0
    minutes = float(parameters["BakeTimeMinutes"])
    if strategy == "CANARY":
        minutes += float(parameters["CanaryBakeTimeMinutes"])
    if strategy == "LINEAR":
        steps = math.ceil(100 / float(parameters["LinearStepPercent"])) - 1
        minutes += steps * float(parameters["LinearStepBakeTimeMinutes"])
    return minutes
