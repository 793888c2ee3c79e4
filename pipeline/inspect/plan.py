"""What a deploy would do: change sets made, read and taken away again; nothing that lasts is touched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.account import permissions_boundary
from pipeline.aws import errors
from pipeline.cloudformation import change_set, deploy, fingerprints, secrets, stacks
from pipeline.cloudformation.change_set import ResourceChange
from pipeline.context import Setting
from pipeline.errors import SlipwayError
from pipeline.graph import graph, runner
from pipeline.graph.graph import Node
from pipeline.graph.runner import Outcome, Result
from pipeline.image import image_step, registry
from pipeline.inspect.plan_change_sets import Previews
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

    def say(self, node: str) -> Callable[[str], None]: ...


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


def make(setting: Setting, audience: Audience, patience: float = 0.0) -> Plan:
    """Plan every node in the deploy's order. Raises BusyError where a deploy runs for over `patience` s."""
    ssm = setting.aws.client("ssm")
    names = setting.project.service, setting.environment.name
    with setting.locked("plan", audience.say("lock"), patience):
        memory = fingerprints.Remembered(ssm, fingerprints.parameter_name(*names))
        unchanged: set[str] = set()
        previews = Previews(setting)

        def work(name: str, outputs: Mapping[str, Mapping[str, str]]) -> Result:
            node = setting.nodes[name]
            node.must_be_given({giver: given for giver, given in outputs.items() if giver in unchanged})
            if node.template is None:
                planned = _image(setting, outputs)
            else:
                planned = _stack(setting, node, outputs, audience.say(name), memory, previews)
            if planned.word == "unchanged":
                unchanged.add(name)
            return planned

        needs = {name: node.needs for name, node in setting.nodes.items()}
        try:
            outcomes = runner.run(needs, work, audience, clock=setting.clock)
        except KeyboardInterrupt:
            previews.clear_up()
            raise
    plans = tuple(_plan_of(outcomes[name]) for name in setting.nodes)
    failure = errors.first_failure(outcome.error for outcome in outcomes.values())
    return Plan(setting.environment.name, plans, setting.aws.calls, failure)


def is_stateful(setting: Setting, node: str, change: ResourceChange) -> bool:
    """It holds data: by its type, or because its template guards it with a DeletionPolicy."""
    template = setting.nodes[node].template
    guarded = template.resources.get(change.logical_id) if template else None
    return change.type in _STATEFUL or (guarded is not None and guarded.kept)


def _image(setting: Setting, outputs: Mapping[str, Mapping[str, str]]) -> Result:
    tag = image_step.tag_of(setting)
    repository = setting.nodes[graph.IMAGE].wired[graph.IMAGE_NEEDS]
    uri = outputs[repository].get(graph.IMAGE_NEEDS)
    digest = registry.digest_of(setting.aws.client("ecr"), uri, tag) if uri else None
    if digest is None:
        plan = NodePlan(graph.IMAGE, "", "build", f"version {tag} would be built and pushed")
        given = {graph.IMAGE_GIVES: f"{uri}@{NOT_BUILT_YET}"} if uri else {}
        return _Planned("build", given, plan)
    plan = NodePlan(graph.IMAGE, "", "unchanged", f"version {tag} is in the repository")
    return _Planned("unchanged", {graph.IMAGE_GIVES: f"{uri}@{digest}"}, plan)


def _stack(
    setting: Setting,
    node: Node,
    outputs: Mapping[str, Mapping[str, str]],
    say: Callable[[str], None],
    memory: fingerprints.Remembered,
    previews: Previews,
) -> Result:
    name = setting.stack_name(node)
    live = setting.live(node)
    template = node.template
    if template is None:
        raise ValueError(f"{node.name} is not a stack")
    deploy.must_be_ours(setting.aws.client("cloudformation"), live, template)
    unknown = [key for key, giver in node.wired.items() if key not in outputs[giver]]
    if live is not None and (live.status.in_progress or live.status.needs_a_person):
        word = "stuck" if live.status.needs_a_person else "busy"
        plan = NodePlan(node.name, name, word, f"{live.status}: {live.reason or 'no reason given'}")
        return _Planned(word, live.outputs, plan)
    again = live is not None and live.status.must_be_cleared
    wanted = None
    if not unknown and not again:
        wanted = traffic_weights.as_the_stack_has_them(setting.wanted(node, node.inputs(outputs)), live)
        wanted = permissions_boundary.given(setting, wanted, live)
        if live is not None and memory.is_unchanged(wanted, live):
            return _Planned("unchanged", live.outputs, NodePlan(node.name, name, "unchanged"))
    # AWS refuses a change set whose {{resolve:ssm:...}} leads nowhere; the deploy makes the secret first.
    missing = _secrets(setting, node)
    if live is not None and not again and (unknown or missing):
        when = f"before the deploy has {', '.join(unknown or missing)}"
        note = f"would be updated; what of it, and whether data would be lost, is not known {when}"
        plan = NodePlan(node.name, name, "update", note, new_secrets=missing)
        return _Planned(plan.action, live.outputs, plan)
    if wanted is None or missing:
        note = f"would create {len(template.resources)} resources"
        if again and live is not None:
            note = f"is {live.status}: would be cleared away; then {note}"
        if unknown:
            note += f" ({', '.join(unknown)} not known before the deploy)"
        changes = tuple(ResourceChange("Add", r.logical_id, r.type) for r in template.resources.values())
        plan = NodePlan(node.name, name, "make again" if again else "create", note, changes, missing)
        return _Planned(plan.action, {}, plan)
    plan = _by_change_set(setting, node, wanted, live, previews.of(wanted, live, say))
    return _Planned(plan.action, live.outputs if live else {}, plan)


def _by_change_set(
    setting: Setting,
    node: Node,
    wanted: change_set.Wanted,
    live: stacks.Live | None,
    outcome: change_set.Changes | change_set.NoChanges,
) -> NodePlan:
    if isinstance(outcome, change_set.NoChanges):
        return NodePlan(node.name, wanted.name, "unchanged")
    traffic_weights.refuse_to_move(outcome.changes, wanted.template)
    losing = {
        change.logical_id
        for change in outcome.changes
        if change.removes_what_is_there and is_stateful(setting, node.name, change)
    }
    action, note = "create" if live is None else "update", change_set.summary(outcome.changes)
    return NodePlan(node.name, wanted.name, action, note, tuple(outcome.changes), losing=frozenset(losing))


def _secrets(setting: Setting, node: Node) -> tuple[str, ...]:
    if node.template is None:
        return ()
    return tuple(secrets.missing(setting.aws.client("ssm"), secrets.names_in(node.template, node.given)))


def _plan_of(outcome: Outcome) -> NodePlan:
    if isinstance(outcome.result, _Planned):
        return outcome.result.plan
    note = str(outcome.error) if outcome.error else "not planned, because something before it failed"
    return NodePlan(outcome.name, "", "failed", note)
