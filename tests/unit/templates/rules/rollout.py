"""How a rollout goes: its strategy, its pauses, its times. Every rule takes a template and gives its faults.

cfn-lint lets all of this through, and ECS refuses it only while the stack is being made, or not at all.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session

from pipeline.config import timeouts
from tests.unit.templates.reading import of_type, reference, walk
from tests.unit.templates.variants import said

Template = Mapping[str, Any]

SHIFTING = {"BLUE_GREEN", "CANARY", "LINEAR"}
NO_PAUSE = {"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"}
NEEDED_AT_THE_GATE = ("MigrationTaskRole", "MigrationSecurityGroup")
LAMBDA_ONLY = ("HookTargetArn", "RoleArn", "HookDetails")
RANGES = {
    "BakeTimeInMinutes": (0, 1440),
    "CanaryPercent": (0.1, 100),
    "CanaryBakeTimeInMinutes": (0, 1440),
    "StepPercent": (3, 100),
    "StepBakeTimeInMinutes": (0, 1440),
    "TimeoutInMinutes": (1, 20160),
    "Weight": (0, 999),
}
STRATEGY_SETTINGS = {
    "BakeTimeInMinutes": SHIFTING,
    "CanaryConfiguration": {"CANARY"},
    "LinearConfiguration": {"LINEAR"},
}


def pauses_stand_where_ecs_takes_them(template: Template) -> list[str]:
    faults = []
    for logical_id, strategy, deployment in _deployments(template):
        hooks = deployment.get("LifecycleHooks", [])
        if hooks and strategy not in SHIFTING:
            faults.append(f"{logical_id} has lifecycle hooks, which {strategy} never runs")
        for hook in hooks:
            stages = set(hook["LifecycleStages"])
            if hook.get("TargetType", "AWS_LAMBDA") != "PAUSE":
                faults.append(f"{logical_id} has a hook at {sorted(stages)} that the pipeline cannot answer")
                continue
            nowhere = sorted(stages - _hook_stages() | stages & NO_PAUSE)
            faults += [f"{logical_id} pauses at {stage}, where ECS takes no pause" for stage in nowhere]
            faults += [f"{logical_id} gives a pause a {key}" for key in LAMBDA_ONLY if key in hook]
            timeout = hook.get("TimeoutConfiguration", {})
            if timeout.get("Action") != "ROLLBACK":
                faults.append(f"{logical_id} does not roll back when nobody answers")
            if "TimeoutInMinutes" not in timeout:
                faults.append(f"{logical_id} waits a whole day for an answer")
    return faults


def the_gate_migrates_or_the_task_does(template: Template) -> list[str]:
    """Exactly one of the two, and where it is the gate, the new version is tested behind it too."""
    faults = []
    migrates = any(
        container["Name"] == "migrate"
        for _, task in of_type(template, "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
    )
    for logical_id, strategy, deployment in _deployments(template):
        stages = {s for hook in deployment.get("LifecycleHooks", []) for s in hook["LifecycleStages"]}
        if migrates == ("PRE_SCALE_UP" in stages):
            often = "twice" if migrates else "never"
            faults.append(f"{logical_id} migrates {often} under {strategy}")
        if "PRE_SCALE_UP" in stages and "POST_TEST_TRAFFIC_SHIFT" not in stages:
            faults.append(f"{logical_id} moves traffic to a version that nobody has tested")
    return faults


def the_gate_finds_what_it_needs(template: Template) -> list[str]:
    """What the pipeline runs a migration with is up to date before the service comes to its gate.

    CloudFormation knows of no reference between them: the pipeline puts them together.
    """
    return [
        f"{logical_id} may come to its gate before {needed} is up to date"
        for logical_id, _, deployment in _deployments(template)
        for needed in NEEDED_AT_THE_GATE
        if deployment.get("LifecycleHooks") and needed not in _before(template["Resources"][logical_id])
    ]


def _before(resource: Mapping[str, Any]) -> list[str]:
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else named


def strategies_have_their_settings(template: Template) -> list[str]:
    faults = []
    for logical_id, strategy, deployment in _deployments(template):
        for setting, strategies in STRATEGY_SETTINGS.items():
            if strategy in strategies and setting not in deployment:
                faults.append(f"{logical_id} leaves {setting} of {strategy} to chance")
            if strategy not in strategies and setting in deployment:
                faults.append(f"{logical_id} gives {strategy} a {setting}")
    return faults


def numbers_keep_to_their_ranges(template: Template) -> list[str]:
    """A parameter must refuse what ECS or the load balancer would refuse."""
    faults = []
    kinds = ("AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::ListenerRule")
    for logical_id, properties in of_type(template, *kinds):
        for path, value in walk(properties):
            if not path or path[-1] not in RANGES or path[0] == "CapacityProviderStrategy":
                continue
            key = path[-1]
            least, most = RANGES[key]
            low, high = _bounds(template, value)
            if low < least or high > most:
                faults.append(f"{logical_id} may have {key} {low:g} to {high:g}; AWS takes {least} to {most}")
    return faults


def minutes_at_most(template: Template, values: Mapping[str, str]) -> float:
    """Minutes that a rollout takes where each gate is answered at its last; CloudFormation takes 33 hours.

    values: an environment's parameters. AWS's page adds up bakes and steps; CloudFormation was seen to add
    the pauses too: "Total bake time (X minutes) [...] exceeds the Cloudformation limit of 33 hours."
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html
    """
    defaults = {name: str(p["Default"]) for name, p in template["Parameters"].items() if "Default" in p}
    given = defaults | dict(values)
    pauses = 2 if timeouts.gated(given) else 0
    return timeouts.bake_minutes(given) + pauses * float(given["GateTimeoutMinutes"])


@functools.cache
def _hook_stages() -> set[str]:
    """The stages that ECS runs hooks at, by AWS's own model of it."""
    model = botocore.session.get_session().get_service_model("ecs")
    return set(model.shape_for("DeploymentLifecycleHookStage").enum)


def _deployments(template: Template) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for logical_id, service in of_type(template, "AWS::ECS::Service"):
        deployment = service["DeploymentConfiguration"]
        yield logical_id, said(template, deployment.get("Strategy", "ROLLING")), deployment


def _bounds(template: Template, value: Any) -> tuple[float, float]:
    """The least and the most that a value can be: a number as written, or what its parameter lets in."""
    name = reference(value)
    if name is None:
        return float(value), float(value)
    parameter = template["Parameters"][name]
    return float(parameter.get("MinValue", "-inf")), float(parameter.get("MaxValue", "inf"))


RULES = (
    pauses_stand_where_ecs_takes_them,
    the_gate_migrates_or_the_task_does,
    the_gate_finds_what_it_needs,
    strategies_have_their_settings,
    numbers_keep_to_their_ranges,
)
