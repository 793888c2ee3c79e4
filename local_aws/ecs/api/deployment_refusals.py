"""What ECS refuses about a deployment configuration before a deployment begins, in its words: pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_aws.ecs.services.pause_hooks import DEFAULT_TIMEOUT_MINUTES
from local_aws.ecs.services.stages import steps_of
from local_aws.shapes import DeploymentConfiguration, LoadBalancer

STACK_HOURS = 33
STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
PAUSABLE = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)
# Each number with its bounds: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
BOUNDS = {
    ("", "bakeTimeInMinutes"): (0, 1440),
    ("canaryConfiguration", "canaryPercent"): (0.1, 100),
    ("canaryConfiguration", "canaryBakeTimeInMinutes"): (0, 1440),
    ("linearConfiguration", "stepPercent"): (3, 100),
    ("linearConfiguration", "stepBakeTimeInMinutes"): (0, 1440),
}


def refusal(configuration: DeploymentConfiguration, load_balancers: Sequence[LoadBalancer]) -> str | None:
    """Why ECS refuses this configuration, None when ECS accepts it."""
    strategy = configuration.get("strategy") or "ROLLING"
    if strategy not in STRATEGIES:
        return f"Invalid deployment strategy. Valid values are: {', '.join(STRATEGIES)}"
    problems = [*_numbers(configuration), *_hooks(configuration)]
    if strategy != "ROLLING":
        problems += _balancers(load_balancers)
    return problems[0] if problems else None


def stack_refusal(configuration: DeploymentConfiguration) -> str | None:
    """Why CloudFormation refuses a deployment configuration that ECS accepts, None when it does not.

    CloudFormation waits for a deployment, so it adds up the bake time and the timeout of every hook. AWS does
    not document this limit; users have reported it.
    """
    if (configuration.get("strategy") or "ROLLING") == "ROLLING" or any(_numbers(configuration)):
        return None  # ECS itself refuses bad numbers
    minutes = sum(step.minutes for step in steps_of(configuration, reconcile=False))
    pauses = [h for h in configuration.get("lifecycleHooks") or [] if h.get("targetType") == "PAUSE"]
    for hook in pauses:
        timeout = hook.get("timeoutConfiguration") or {}
        minutes += int(timeout.get("timeoutInMinutes") or DEFAULT_TIMEOUT_MINUTES)
    if minutes <= STACK_HOURS * 60:
        return None
    return (
        f"Total bake time ({minutes:g} minutes) for progressive deployment exceeds the Cloudformation limit "
        f"of {STACK_HOURS} hours."
    )


def _numbers(configuration: Mapping[str, Any]) -> Iterator[str]:
    for (part, name), (least, most) in BOUNDS.items():
        value = (configuration.get(part) or {} if part else configuration).get(name)
        if value is not None and not least <= float(value) <= most:
            yield f"{name} must be between {least} and {most}."


def _hooks(configuration: DeploymentConfiguration) -> Iterator[str]:
    for hook in configuration.get("lifecycleHooks") or []:
        kind = hook.get("targetType") or "AWS_LAMBDA"
        minutes = (hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes")
        if kind not in ("AWS_LAMBDA", "PAUSE"):
            yield "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE"
        elif kind == "AWS_LAMBDA":
            yield "AWS_LAMBDA lifecycle hooks are not run by the local AWS; use PAUSE."
        elif hook.get("hookTargetArn"):
            yield "hookTargetArn is not applicable for PAUSE hooks."
        elif not hook.get("lifecycleStages") or set(hook["lifecycleStages"]) - set(PAUSABLE):
            yield "Invalid lifecycle stage provided for Pause Hook"
        elif minutes is not None and not 1 <= int(minutes) <= 20160:
            yield "timeoutInMinutes must be between 1 and 20160."


def _balancers(load_balancers: Sequence[LoadBalancer]) -> Iterator[str]:
    for one in load_balancers:
        advanced = one.get("advancedConfiguration")
        if not advanced:
            yield (
                "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING "
                "deployment strategy"
            )
            return
        rules = {
            "productionListenerRule": advanced.get("productionListenerRule"),
            "testListenerRule": advanced.get("testListenerRule"),
        }
        for name, arn in rules.items():
            if arn and ":listener-rule/" not in arn:
                yield (
                    f"{name} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. "
                    f"Got: {arn}"
                )
        for required in ("alternateTargetGroupArn", "productionListenerRule", "roleArn"):
            if not advanced.get(required):
                yield f"{required} is required in advancedConfiguration."
        if rules["productionListenerRule"] == rules["testListenerRule"]:
            yield (
                "The following rules cannot be used as both production and test listener rules: "
                f"{rules['testListenerRule']}"
            )
        if advanced.get("alternateTargetGroupArn") == one.get("targetGroupArn"):
            yield f"Duplicate targetGroupArn found: {one.get('targetGroupArn')}"
