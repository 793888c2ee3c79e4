"""The weights guard: no stack update moves production's traffic.

ECS rewrites the production rule's weights at every release, and CloudFormation does not know. Whenever
CloudFormation writes that rule, forward or in a rollback, it writes the weights of the stack's parameters. So
an update of its own first gives these parameters the live weights, and changes nothing else. A rollback of
the release then has no weights to put back. https://github.com/aws/aws-cdk/issues/36649
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.cloudformation import parameter_update
from pipeline.cloudformation.change_set import Detail, ResourceChange, StackSpec
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.cloudformation.stacks import StackDescription
from pipeline.errors import RolloutRefusedError
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
PRODUCTION_RULE = "ProductionRule"
GROUPS = {"BlueWeight": "BlueTargetGroup", "GreenWeight": "GreenTargetGroup"}
"""Parameter -> logical id of the target group whose weight it is."""


def guarded(template: Template) -> bool:
    """Whether the template has a production rule with weights to guard."""
    return GROUPS.keys() <= template.parameters.keys() and PRODUCTION_RULE in template.resources


def as_the_stack_has_them(spec: StackSpec, current: StackDescription | None) -> StackSpec:
    """`spec` with the weights that the stack was last given, so that a deploy of `spec` moves none."""
    if current is None or not guarded(spec.template):
        return spec
    kept = {key: current.parameters[key] for key in GROUPS if key in current.parameters}
    return replace(spec, parameters={**spec.parameters, **kept})


def live_weights(
    elbv2: "ElasticLoadBalancingv2Client", resources: Mapping[str, str]
) -> dict[str, str] | None:
    """Parameter -> the weight that its target group has in the production rule now.

    resources: logical id -> physical id. None where the rule is not there, or knows neither group.
    """
    if PRODUCTION_RULE not in resources:
        return None
    rules = elbv2.describe_rules(RuleArns=[resources[PRODUCTION_RULE]])["Rules"]
    targets: dict[str, int] = {}
    for action in rules[0]["Actions"] if rules else []:
        for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
            targets[group["TargetGroupArn"]] = int(group.get("Weight", 1))
    found = {key: targets.get(resources.get(group, ""), 0) for key, group in GROUPS.items()}
    return {key: str(weight) for key, weight in found.items()} if any(found.values()) else None


def update_to(weights: Mapping[str, str] | None, current: StackDescription) -> ParameterUpdate | None:
    """The update that tells a stack the live weights; None where the stack has them, or takes none."""
    known = {key: current.parameters[key] for key in GROUPS if key in current.parameters}
    if weights is None or not known or all(float(known[key]) == float(weights[key]) for key in known):
        return None
    changed = {key: weights[key] for key in known}
    return ParameterUpdate(changed, "where ECS sends its traffic", RULE, PRODUCTION_RULE)


def refuse_to_move(changes: Sequence[ResourceChange], template: Template) -> None:
    """Raises RolloutRefusedError where a change set would change the production rule's targets.

    To be called with a change set for which the weights were what the stack has (`as_the_stack_has_them`).
    """
    if not guarded(template):
        return
    for change in changes:
        if change.logical_id != PRODUCTION_RULE or change.action == "Add":
            continue
        replaced = change.action == "Remove" or change.replacement == "True"
        if replaced or any(_moves(detail, changes) for detail in change.details):
            raise RolloutRefusedError(
                "this update would change where the production rule sends its traffic",
                why=f"{PRODUCTION_RULE} [{template.where(PRODUCTION_RULE)}] would be {_verb(change)}; ECS "
                "moves its weights, and CloudFormation would put others there, perhaps of a target group "
                "that has no tasks (aws-cdk#36649)",
                next_step="leave the rule's actions and its target groups as they are",
                where=template.where(PRODUCTION_RULE),
            )


def _moves(detail: Detail, changes: Sequence[ResourceChange]) -> bool:
    """A reference to a target group keeps its value, unless that target group is replaced."""
    if "Actions" not in detail.path.split("/"):
        return False
    return not detail.referred_to or detail.referred_to in parameter_update.replaced(changes)


def _verb(change: ResourceChange) -> str:
    if change.action == "Remove":
        return "removed"
    return "replaced" if change.replacement == "True" else f"given other {', '.join(change.paths)}"
