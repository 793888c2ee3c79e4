"""Drift: what somebody changed past CloudFormation, and what only looks like drift.

At every release ECS moves the weights of its listener rules, and CloudFormation does not know
(https://github.com/aws/aws-cdk/issues/36649). Those weights are no drift; any other difference in a rule is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.aws import databases
from pipeline.cloudformation import resources
from pipeline.cloudformation.interruptions import DATABASE
from pipeline.context import Context
from pipeline.errors import AwsRefusedError, DriftError, SlipwayError
from pipeline.graph.template import Template
from pipeline.inspect import drift_detection
from pipeline.inspect.drift_detection import Difference, ResourceDrift
from pipeline.rollout.traffic_weights import RULE

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient

HIDDEN = "(not shown: this resource holds a secret)"
_TARGETS = re.compile(r"/Actions/\d+/ForwardConfig/TargetGroups(/.*)?")
_DETECTABLE = frozenset({"UPDATE_ROLLBACK_FAILED"})


@dataclass(frozen=True)
class StackDrift:
    """The drift of one stack. checked: how many resources were compared.

    note: why the stack was not compared, or not wholly, else "". fault: whether the comparison failed.
    weights: the listener rules whose weights ECS has moved; pending: the databases that wait for their
    maintenance window to become what their template says.
    """

    node: str
    stack: str
    drifted: tuple[ResourceDrift, ...] = ()
    checked: int = 0
    note: str = ""
    fault: bool = False
    weights: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drift:
    """The drift of an environment's and the account's stacks. failure: the error to exit with."""

    environment: str
    stacks: tuple[StackDrift, ...]
    failure: SlipwayError | None = None


def detect(context: Context, log: Callable[[str], None]) -> Drift:
    """Detect the drift of every stack that exists. Nothing is changed. Raises WaitTimeoutError."""
    cloudformation = context.aws.client("cloudformation")
    found: dict[str, StackDrift] = {}
    begun: dict[str, str] = {}
    for name, node in context.stacks.items():
        stack, current = context.stack_name(node), context.current(node)
        if current is None:
            found[name] = StackDrift(name, stack, note="is not there yet")
        elif not (current.status.ready or current.status.name in _DETECTABLE):
            found[name] = StackDrift(name, stack, note=f"was not compared: it is {current.status}")
        else:
            begun[name] = drift_detection.begin(cloudformation, stack, context.wait, context.timeout)
    for name, detection in begun.items():
        node = context.stacks[name]
        stack = context.stack_name(node)
        log(f"{stack}: comparing it with its template")
        seen = drift_detection.result(cloudformation, stack, detection, context.wait, context.timeout)
        owned = _rules_of_ecs(context, stack) if any(d.type == RULE for d in seen.drifted) else frozenset()
        seen, pending = _without_pending(context, seen)
        found[name] = replace(judge(name, stack, seen, owned, node.template), pending=pending)
    stacks = tuple(found[name] for name in context.stacks)
    return Drift(context.environment.name, stacks, _failure(context, stacks))


def judge(
    name: str, stack: str, seen: drift_detection.Detection, owned: frozenset[str], template: Template | None
) -> StackDrift:
    """The drift in a detection. owned: ARNs of the listener rules whose weights ECS moves."""
    kept, weights = [], []
    for resource in seen.drifted:
        real = without_weights(resource) if resource.physical_id in owned else resource
        differences = tuple(d for d in real.differences if "{{resolve:" not in d.expected)
        if resource.status == "MODIFIED" and not differences:
            if real.differences != resource.differences:
                weights.append(resource.logical_id)
            continue
        kept.append(_hide(replace(real, differences=differences), template))
    note = f"could not be compared wholly: {seen.fault}" if seen.fault else ""
    return StackDrift(name, stack, tuple(kept), seen.checked, note, bool(seen.fault), tuple(weights))


def _without_pending(
    context: Context, seen: drift_detection.Detection
) -> tuple[drift_detection.Detection, tuple[str, ...]]:
    """A detection without what RDS is to change in a maintenance window; and whom it is to change."""
    kept, waiting = [], []
    for resource in seen.drifted:
        real = resource
        if resource.type == DATABASE and resource.status == "MODIFIED":
            database = databases.describe(context.aws.client("rds"), resource.physical_id)
            real = without_pending(resource, database.pending if database is not None else {})
        if real != resource:
            waiting.append(resource.logical_id)
        kept.append(real)
    return replace(seen, drifted=tuple(kept)), tuple(waiting)


def without_pending(database: ResourceDrift, pending: Mapping[str, str]) -> ResourceDrift:
    """A database without the differences that the values which are pending take away."""

    def comes(difference: Difference) -> bool:
        value = pending.get(difference.path.removeprefix("/"))
        # RDS makes 8.4.6 of the 8.4 of a template.
        return value is not None and f"{value}.".lower().startswith(f"{difference.expected}.".lower())

    return replace(database, differences=tuple(d for d in database.differences if not comes(d)))


def without_weights(rule: ResourceDrift) -> ResourceDrift:
    """A listener rule without the differences that are nothing but weights."""

    def only_weights(difference: Difference) -> bool:
        if re.fullmatch(r"/Actions/\d+/ForwardConfig/TargetGroups/\d+/Weight", difference.path):
            return True
        # A whole target group differs where CloudFormation pairs the lists in another order.
        same = _groups(rule.expected) == _groups(rule.actual) is not None
        return same and _TARGETS.fullmatch(difference.path) is not None

    return replace(rule, differences=tuple(d for d in rule.differences if not only_weights(d)))


def _groups(properties: Any) -> list[list[str]] | None:
    """The target groups of each action, or None for another shape. properties: JSON of any shape."""
    try:
        forwards = [action["ForwardConfig"]["TargetGroups"] for action in properties["Actions"]]
        return [sorted(group["TargetGroupArn"] for group in groups) for groups in forwards]
    except (KeyError, TypeError):
        return None


def _hide(resource: ResourceDrift, template: Template | None) -> ResourceDrift:
    written = template.resources.get(resource.logical_id) if template else None
    if written is not None and not written.secret:
        return resource
    hidden = tuple(replace(d, expected=HIDDEN, actual=HIDDEN) for d in resource.differences)
    return replace(resource, differences=hidden, expected=None, actual=None)


def _rules_of_ecs(context: Context, stack: str) -> frozenset[str]:
    """The ARNs of the listener rules whose weights the stack's service moves."""
    there = resources.read(context.aws.client("cloudformation"), stack)
    return rules_of(context.aws.client("ecs"), there.service_arn) if there.service_arn else frozenset()


def rules_of(ecs: "ECSClient", service_arn: str) -> frozenset[str]:
    """The ARNs of the production and test listener rules of a service."""
    services = ecs.describe_services(cluster=service_arn.split("/")[1], services=[service_arn])["services"]
    balancers = [balancer for service in services for balancer in service.get("loadBalancers", [])]
    advanced = [balancer.get("advancedConfiguration") or {} for balancer in balancers]
    arns = [arn for a in advanced for arn in (a.get("productionListenerRule"), a.get("testListenerRule"))]
    return frozenset(arn for arn in arns if arn)


def _failure(context: Context, stacks: tuple[StackDrift, ...]) -> SlipwayError | None:
    environment = context.environment.name
    places, lines = [], []
    for stack in stacks:
        template = context.stacks[stack.node].template
        for resource in stack.drifted:
            words = f"{stack.stack}: {resource.logical_id} ({resource.type}) {told(resource)}"
            changes = [words_of(difference) for difference in resource.differences]
            where = template.where(resource.logical_id)
            places.append((where, ": ".join([words, *(["; ".join(changes)] if changes else [])])))
            lines += [words, *(f"  {change}" for change in changes)]
    if places:
        count = f"{len(places)} resource{'s' if len(places) > 1 else ''}"
        return DriftError(
            f"{count} of {environment} {'are' if len(places) > 1 else 'is'} not as the templates say",
            why=places[0][1],
            next_step="undo the change where it was made, or put it into the template and deploy; a deploy "
            "alone puts back nothing that the template leaves as it was",
            details=lines,
            where=places[0][0],
            also=places[1:],
        )
    faults = [f"{stack.stack} {stack.note}" for stack in stacks if stack.fault]
    if faults:
        return AwsRefusedError(
            f"not everything in {environment} could be compared with its template",
            why=faults[0],
            next_step="mend what AWS names (often a missing permission to read) and run the command again",
            details=faults[1:],
        )
    return None


def told(resource: ResourceDrift) -> str:
    """`was deleted` or `was changed`."""
    return "was deleted" if resource.status == "DELETED" else "was changed"


def words_of(difference: Difference) -> str:
    """`/RetentionInDays is 7, and not 30`."""
    if difference.kind == "ADD":
        return f"{difference.path} was added: {difference.actual}"
    if difference.kind == "REMOVE":
        return f"{difference.path} is gone: {difference.expected}"
    if difference.actual == HIDDEN:
        return f"{difference.path} has another value {HIDDEN}"
    return f"{difference.path} is {difference.actual}, and not {difference.expected}"
