"""What a deploy would do: change sets made, read and taken away again; nothing that lasts is touched."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.account import ownership, permissions_boundary
from pipeline.aws import errors
from pipeline.cloudformation import change_set, data_loss, interruptions, stacks
from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.data_loss import Loss
from pipeline.cloudformation.fingerprints import DeployedFingerprints, parameter_name
from pipeline.cloudformation.interruptions import Interruption
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import SlipwayError
from pipeline.graph import graph, runner
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Audience, Outcome, Result
from pipeline.image import image_step, registry
from pipeline.inspect.plan_change_sets import PlanChangeSets
from pipeline.rollout import traffic_weights

NOT_BUILT_YET = "sha256:" + "0" * 64
"""Stands for the digest of an image that a deploy would build, in a change set that is never executed."""


@dataclass(frozen=True)
class NodePlan:
    """One node. action: unchanged, create, update, make again, build, stuck, or not known yet."""

    name: str
    stack: str
    action: str
    note: str = ""
    changes: tuple[ResourceChange, ...] = ()
    new_secrets: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    """What holds data and would be replaced or removed."""
    interruptions: tuple[Interruption, ...] = ()
    """What would be interrupted without being replaced."""

    @property
    def losing(self) -> frozenset[str]:
        """The logical ids of `losses`."""
        return frozenset(loss.change.logical_id for loss in self.losses)


@dataclass(frozen=True)
class Plan:
    """A whole environment's plan. failure: a node could not be planned, or data would be lost; named: of the
    data that would be lost, what was named as meant; left_over: stacks whose template is gone.
    """

    environment: str
    nodes: tuple[NodePlan, ...]
    calls: int
    failure: SlipwayError | None = None
    named: frozenset[str] = frozenset()
    left_over: tuple[str, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        return self.failure is None and all(node.action == "unchanged" for node in self.nodes)


@dataclass(frozen=True)
class Planned(Result):
    """A node's plan, with the outputs that the node gives now, or would give."""

    plan: NodePlan = field(default=NodePlan("", "", ""))

    @classmethod
    def of(cls, plan: NodePlan, outputs: Mapping[str, str]) -> "Planned":
        """A plan with its outputs."""
        return cls(plan.action, outputs, plan)


def make(
    context: Context, audience: Audience, patience: float = 0.0, replaces: frozenset[str] = frozenset()
) -> Plan:
    """Plan every node in the deploy's order. replaces: what holds data and is meant to be replaced.

    Raises BusyError where a deploy runs for over `patience` seconds.
    """
    context.refuse_what_aws_refuses()
    ssm = context.aws.client("ssm")
    names = context.project.service, context.environment.name
    with context.locked("plan", audience.log("lock"), patience):
        fingerprints = DeployedFingerprints(ssm, parameter_name(*names))
        if fingerprints.empty:
            ownership.must_be_apart(context.aws.client("cloudformation"), context.tags)
        unchanged: set[str] = set()
        previews = PlanChangeSets(context)

        def work(name: str, outputs: Mapping[str, Mapping[str, str]]) -> Result:
            node = context.nodes[name]
            node.require_outputs({giver: given for giver, given in outputs.items() if giver in unchanged})
            if isinstance(node, StackNode):
                current, log = context.current(node), audience.log(name)
                planned = of_stack(context, node, current, outputs, log, fingerprints, previews)
            else:
                planned = _image(context, outputs)
            if planned.word == "unchanged":
                unchanged.add(name)
            return planned

        left_over = tuple(current.name for current in context.left_over())
        needs = {name: node.needs for name, node in context.nodes.items()}
        try:
            steps = {name: functools.partial(work, name) for name in needs}
            outcomes = runner.run(needs, steps, audience, clock=context.clock)
        except KeyboardInterrupt:
            previews.clear_up()
            raise
    plans = tuple(_plan_of(outcomes[name]) for name in context.nodes)
    failure = errors.first_failure(outcome.error for outcome in outcomes.values())
    losses = [loss for plan in plans for loss in plan.losses]
    failure = failure or data_loss.failure_of(losses, context.named(replaces))
    named = replaces & {loss.name for loss in losses}
    return Plan(context.environment.name, plans, context.aws.calls, failure, named, left_over)


def _image(context: Context, outputs: Mapping[str, Mapping[str, str]]) -> Planned:
    tag = image_step.tag_of(context)
    repository = context.nodes[graph.IMAGE].wired[graph.IMAGE_NEEDS]
    uri = outputs[repository].get(graph.IMAGE_NEEDS)
    digest = registry.digest_of(context.aws.client("ecr"), uri, tag) if uri else None
    if digest is None:
        plan = NodePlan(graph.IMAGE, "", "build", f"version {tag} would be built and pushed")
        given = {graph.IMAGE_GIVES: f"{uri}@{NOT_BUILT_YET}"} if uri else {}
        return Planned.of(plan, given)
    plan = NodePlan(graph.IMAGE, "", "unchanged", f"version {tag} is in the repository")
    return Planned.of(plan, {graph.IMAGE_GIVES: f"{uri}@{digest}"})


def of_stack(
    context: Context,
    node: StackNode,
    current: stacks.StackDescription | None,
    outputs: Mapping[str, Mapping[str, str]],
    log: Log,
    fingerprints: DeployedFingerprints,
    previews: PlanChangeSets,
) -> Planned:
    """Plan one stack. current: as it is; outputs: of the nodes that it needs, as far as they are known."""
    name = context.stack_name(node)
    template = node.template
    ownership.must_be_ours(context.aws.client("cloudformation"), current, template, context.tags_of(node))
    unknown = [key for key, giver in node.wired.items() if key not in outputs.get(giver, {})]
    if current is not None and (current.status.in_progress or current.status.needs_a_person):
        word = "stuck" if current.status.needs_a_person else "busy"
        note = f"{current.status}: {current.reason or 'no reason given'}"
        return Planned.of(NodePlan(node.name, name, word, note), current.outputs)
    again = current is not None and current.status.must_be_cleared
    outside = context.outside(fingerprints.versions)
    needs = outside.needs(context.spec(node, node.known(outputs)), current, context.promised)
    spec = None
    if not unknown and not again:
        spec = permissions_boundary.add(context, context.spec(node, node.inputs(outputs)), current)
        spec = outside.fixed(spec, needs)
        if current is not None and fingerprints.is_unchanged(spec, current):
            return Planned.of(NodePlan(node.name, name, "unchanged"), current.outputs)
        spec = traffic_weights.as_the_stack_has_them(spec, current)
    # AWS refuses a change set whose {{resolve:ssm:...}} leads nowhere; the deploy makes the secret first.
    missing = tuple(needs.new)
    if current is not None and not again and (unknown or missing):
        when = f"before the deploy has {', '.join(unknown or missing)}"
        note = f"would be updated; what of it, and whether data would be lost, is not known {when}"
        return Planned.of(NodePlan(node.name, name, "update", note, new_secrets=missing), current.outputs)
    if spec is None or missing:
        note = f"would create {len(template.resources)} resources"
        if again and current is not None:
            note = f"is {current.status}: would be cleared away; then {note}"
        if unknown:
            note += f" ({', '.join(unknown)} not known before the deploy)"
        changes = tuple(ResourceChange("Add", r.logical_id, r.type) for r in template.resources.values())
        action = "make again" if again else "create"
        return Planned.of(NodePlan(node.name, name, action, note, changes, missing), {})
    plan = _by_change_set(context, node, spec, current, previews.of(spec, current, log))
    moved = outside.changes(spec, fingerprints.reads(name))
    plan = replace(plan, note="; ".join(filter(None, [plan.note, *moved])))
    return Planned.of(plan, current.outputs if current else {})


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
    losses = data_loss.find(context.aws.client("cloudformation"), outcome, spec.template)
    action, note = "create" if current is None else "update", change_set.summary(outcome.changes)
    before = current.parameters if current is not None else {}
    return NodePlan(
        node.name,
        spec.name,
        action,
        note,
        tuple(outcome.changes),
        losses=tuple(losses),
        interruptions=interruptions.found(outcome.changes, before, spec.parameters),
    )


def _plan_of(outcome: Outcome) -> NodePlan:
    if isinstance(outcome.result, Planned):
        return outcome.result.plan
    note = str(outcome.error) if outcome.error else "not planned, because something before it failed"
    return NodePlan(outcome.name, "", "failed", note)
