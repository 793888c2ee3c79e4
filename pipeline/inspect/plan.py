"""What a deploy would do: change sets made, read and taken away again; nothing that lasts is touched."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.account import permissions_boundary
from pipeline.aws import errors
from pipeline.cloudformation import change_set, deploy, secrets, stacks
from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.fingerprints import DeployedFingerprints, parameter_name
from pipeline.context import Context
from pipeline.errors import SlipwayError
from pipeline.graph import graph, runner
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Outcome, Result
from pipeline.image import image_step, registry
from pipeline.inspect.plan_change_sets import PlanChangeSets
from pipeline.rollout import traffic_weights

NOT_BUILT_YET = "sha256:" + "0" * 64
"""Stands for the digest of an image that a deploy would build, in a change set that is never executed."""

_STATEFUL = frozenset(
    {
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBCluster",
        "AWS::ECR::Repository",
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::SQS::Queue",
    }
)


class Audience(runner.Watcher, Protocol):
    """Who is told what happens."""

    def log(self, node: str) -> Callable[[str], None]: ...


@dataclass(frozen=True)
class NodePlan:
    """One node. action: unchanged, create, update, make again, build, stuck, or not known yet."""

    name: str
    stack: str
    action: str
    note: str = ""
    changes: tuple[ResourceChange, ...] = ()
    new_secrets: tuple[str, ...] = ()
    losing: frozenset[str] = frozenset()
    """Logical ids of stateful resources that would be replaced or removed."""


@dataclass(frozen=True)
class Plan:
    """A whole environment's plan; failure where a node could not be planned."""

    environment: str
    nodes: tuple[NodePlan, ...]
    calls: int
    failure: SlipwayError | None = None

    @property
    def changes_nothing(self) -> bool:
        return self.failure is None and all(node.action == "unchanged" for node in self.nodes)


@dataclass(frozen=True)
class _Planned(Result):
    plan: NodePlan = field(default=NodePlan("", "", ""))


def make(context: Context, audience: Audience, patience: float = 0.0) -> Plan:
    """Plan every node in the deploy's order. Raises BusyError where a deploy runs for over `patience` s."""
    ssm = context.aws.client("ssm")
    names = context.project.service, context.environment.name
    with context.locked("plan", audience.log("lock"), patience):
        fingerprints = DeployedFingerprints(ssm, parameter_name(*names))
        unchanged: set[str] = set()
        previews = PlanChangeSets(context)

        def work(name: str, outputs: Mapping[str, Mapping[str, str]]) -> Result:
            node = context.nodes[name]
            node.require_outputs({giver: given for giver, given in outputs.items() if giver in unchanged})
            if isinstance(node, StackNode):
                planned = _stack(context, node, outputs, audience.log(name), fingerprints, previews)
            else:
                planned = _image(context, outputs)
            if planned.word == "unchanged":
                unchanged.add(name)
            return planned

        needs = {name: node.needs for name, node in context.nodes.items()}
        try:
            steps = {name: functools.partial(work, name) for name in needs}
            outcomes = runner.run(needs, steps, audience, clock=context.clock)
        except KeyboardInterrupt:
            previews.clear_up()
            raise
    plans = tuple(_plan_of(outcomes[name]) for name in context.nodes)
    failure = errors.first_failure(outcome.error for outcome in outcomes.values())
    return Plan(context.environment.name, plans, context.aws.calls, failure)


def is_stateful(context: Context, node: str, change: ResourceChange) -> bool:
    """It holds data: by its type, or because its template guards it with a DeletionPolicy."""
    guarded = context.stacks[node].template.resources.get(change.logical_id)
    return change.type in _STATEFUL or (guarded is not None and guarded.kept)


def _image(context: Context, outputs: Mapping[str, Mapping[str, str]]) -> Result:
    tag = image_step.tag_of(context)
    repository = context.nodes[graph.IMAGE].wired[graph.IMAGE_NEEDS]
    uri = outputs[repository].get(graph.IMAGE_NEEDS)
    digest = registry.digest_of(context.aws.client("ecr"), uri, tag) if uri else None
    if digest is None:
        plan = NodePlan(graph.IMAGE, "", "build", f"version {tag} would be built and pushed")
        given = {graph.IMAGE_GIVES: f"{uri}@{NOT_BUILT_YET}"} if uri else {}
        return _Planned("build", given, plan)
    plan = NodePlan(graph.IMAGE, "", "unchanged", f"version {tag} is in the repository")
    return _Planned("unchanged", {graph.IMAGE_GIVES: f"{uri}@{digest}"}, plan)


def _stack(
    context: Context,
    node: StackNode,
    outputs: Mapping[str, Mapping[str, str]],
    log: Callable[[str], None],
    fingerprints: DeployedFingerprints,
    previews: PlanChangeSets,
) -> Result:
    name = context.stack_name(node)
    current = context.current(node)
    template = node.template
    deploy.must_be_ours(context.aws.client("cloudformation"), current, template)
    unknown = [key for key, giver in node.wired.items() if key not in outputs[giver]]
    if current is not None and (current.status.in_progress or current.status.needs_a_person):
        word = "stuck" if current.status.needs_a_person else "busy"
        plan = NodePlan(node.name, name, word, f"{current.status}: {current.reason or 'no reason given'}")
        return _Planned(word, current.outputs, plan)
    again = current is not None and current.status.must_be_cleared
    spec = None
    if not unknown and not again:
        spec = permissions_boundary.add(context, context.spec(node, node.inputs(outputs)), current)
        if current is not None and fingerprints.is_unchanged(spec, current):
            return _Planned("unchanged", current.outputs, NodePlan(node.name, name, "unchanged"))
        spec = traffic_weights.as_the_stack_has_them(spec, current)
    # AWS refuses a change set whose {{resolve:ssm:...}} leads nowhere; the deploy makes the secret first.
    missing = _secrets(context, node)
    if current is not None and not again and (unknown or missing):
        when = f"before the deploy has {', '.join(unknown or missing)}"
        note = f"would be updated; what of it, and whether data would be lost, is not known {when}"
        plan = NodePlan(node.name, name, "update", note, new_secrets=missing)
        return _Planned(plan.action, current.outputs, plan)
    if spec is None or missing:
        note = f"would create {len(template.resources)} resources"
        if again and current is not None:
            note = f"is {current.status}: would be cleared away; then {note}"
        if unknown:
            note += f" ({', '.join(unknown)} not known before the deploy)"
        changes = tuple(ResourceChange("Add", r.logical_id, r.type) for r in template.resources.values())
        plan = NodePlan(node.name, name, "make again" if again else "create", note, changes, missing)
        return _Planned(plan.action, {}, plan)
    plan = _by_change_set(context, node, spec, current, previews.of(spec, current, log))
    return _Planned(plan.action, current.outputs if current else {}, plan)


def _by_change_set(
    context: Context,
    node: StackNode,
    spec: change_set.StackSpec,
    current: stacks.StackDescription | None,
    outcome: change_set.Changes | change_set.NoChanges,
) -> NodePlan:
    if isinstance(outcome, change_set.NoChanges):
        return NodePlan(node.name, spec.name, "unchanged")
    traffic_weights.refuse_to_move(outcome.changes, spec.template)
    losing = {
        change.logical_id
        for change in outcome.changes
        if change.removes_what_is_there and is_stateful(context, node.name, change)
    }
    action, note = "create" if current is None else "update", change_set.summary(outcome.changes)
    return NodePlan(node.name, spec.name, action, note, tuple(outcome.changes), losing=frozenset(losing))


def _secrets(context: Context, node: StackNode) -> tuple[str, ...]:
    return tuple(secrets.missing(context.aws.client("ssm"), secrets.names_in(node.template, node.given)))


def _plan_of(outcome: Outcome) -> NodePlan:
    if isinstance(outcome.result, _Planned):
        return outcome.result.plan
    note = str(outcome.error) if outcome.error else "not planned, because something before it failed"
    return NodePlan(outcome.name, "", "failed", note)
