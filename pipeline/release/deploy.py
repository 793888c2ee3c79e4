"""A release, told from top to bottom: guard, lock, graph, smoke tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import requests

from pipeline.account import ownership
from pipeline.aws import errors
from pipeline.checks import smoke, smoke_file
from pipeline.checks import suite as smoke_suite
from pipeline.cloudformation.fingerprints import DeployedFingerprints, parameter_name
from pipeline.context import Context
from pipeline.errors import SlipwayError, TemplateError
from pipeline.graph import graph, runner
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Outcome, Result
from pipeline.image import image_step
from pipeline.image import released as named
from pipeline.release import data_review, forward, inputs
from pipeline.release.service_step import ServiceStep
from pipeline.release.stack_step import StackStep
from pipeline.rollout.options import RolloutOptions
from pipeline.rollout.record import RolloutRecord


class Audience(runner.Audience, Protocol):
    """Who is told what happens, in the smoke tests too."""

    def checked(self, outcome: smoke.Outcome) -> None: ...


@dataclass(frozen=True)
class Released:
    """What a deploy did. failure: what to exit with, None when all went well. Times are seconds; `started` is
    on the clock of the nodes and the rollouts. notice: why nothing was released, "" where something was.
    """

    environment: str
    nodes: Mapping[str, Outcome]
    seconds: float = 0.0
    calls: int = 0
    url: str | None = None
    version: str | None = None
    image: str | None = None
    checks: tuple[smoke.Outcome, ...] = ()
    failure: SlipwayError | None = None
    started: float = 0.0
    rollouts: tuple[RolloutRecord, ...] = ()
    notice: str = ""


def deploy(
    context: Context,
    audience: Audience,
    base_image: image_step.BaseImage,
    *,
    image_uri: str | None = None,
    options: RolloutOptions | None = None,
) -> Released:
    """Bring the environment to what the templates, its file and app/ (or `image_uri`) say, and test it."""
    started = context.clock()
    options = options or RolloutOptions()
    context.guard_account()
    seen = forward.record_of(context).last_ended if options.forward_only else None
    if notice := forward.notice(context, options, seen):
        return _left_alone(context, notice)
    context.refuse_what_aws_refuses()
    smoke_file.load(smoke_suite.file(context))  # so that a fault in it shows first
    version, leave = None, frozenset[str]()
    if image_uri is not None:
        version = named.must_exist(context, image_uri)
        # The image exists, so its repository needs no change; other environments use the repository, too.
        leave = graph.needed_for(context.nodes, graph.IMAGE)
        _must_do_as_they_are(context, leave)
    records: list[RolloutRecord] = []
    options = replace(options, on_finished=records.append)
    patience = context.timeout if options.wait_minutes is None else options.wait_minutes * 60
    data_review.must_exist(context, options.replaces, leave)
    with context.locked("deploy", audience.log("lock"), patience) as token:
        record = forward.record_of(context)
        # Once more, for while this release waited its turn, a newer one may have been released.
        if notice := forward.notice(context, options, record.last):
            return _left_alone(context, notice)
        memory = parameter_name(context.project.service, context.environment.name)
        fingerprints = DeployedFingerprints(context.aws.client("ssm"), memory)
        if fingerprints.empty:
            ownership.must_be_apart(context.aws.client("cloudformation"), context.tags)
        _make_clients(context)
        there = {name: context.current(node) for name, node in context.stacks.items()}
        inputs.must_be_there(context, fingerprints.versions, there)
        review = data_review.DataReview(context, fingerprints, audience.log("data"), options.replaces)
        review.refuse_losses(there, leave, image_uri)

        def image(outputs: Mapping[str, Mapping[str, str]]) -> Result:
            repository = context.nodes[graph.IMAGE].inputs(outputs)[graph.IMAGE_NEEDS]
            if image_uri is not None:
                return Result("given", {graph.IMAGE_GIVES: image_uri, "version": version or ""})
            return image_step.work(context, repository, audience.log(graph.IMAGE), base_image)

        def stack(node: StackNode) -> runner.Step:
            kind = ServiceStep if node.holds_service else StackStep
            step = kind(context, node, audience.log(node.name), fingerprints, options, there[node.name])
            return step.run_unless_there if node.name in leave else step.run

        nodes = context.nodes
        needs = {name: node.needs for name, node in nodes.items()}
        steps = {n: stack(node) if isinstance(node, StackNode) else image for n, node in nodes.items()}
        beginning = forward.begin(context, record, token, audience.log("record"), image_uri, options)
        with record.recording(beginning, audience.log("record")) as recording:
            try:
                outcomes = runner.run(needs, steps, audience, clock=context.clock)
            finally:
                fingerprints.save(audience.log("fingerprints"))
            released = _summary(context, outcomes)
            if released.failure is None and released.url is not None:
                released = _tested(context, audience, released, served_before=options.served_before)
            recording.ended(forward.ending(context, released.nodes, released.failure))
    seconds, calls = context.clock() - started, context.aws.calls
    return replace(released, seconds=seconds, calls=calls, started=started, rollouts=tuple(records))


def _left_alone(context: Context, notice: str) -> Released:
    url = context.live_outputs().get("ServiceUrl")
    return Released(context.environment.name, {}, calls=context.aws.calls, url=url, notice=notice)


def _must_do_as_they_are(context: Context, names: Iterable[str]) -> None:
    """Raises TemplateError where a stack that is to be left alone lacks an output that another one needs."""
    current = {name: context.current(context.stacks[name]) for name in names}
    outputs = {name: stack.outputs for name, stack in current.items() if stack is not None}
    again = f"python -m pipeline deploy {context.environment.name}"
    for node in context.nodes.values():
        for key, giver in node.missing_outputs(outputs).items() if node.name not in outputs else ():
            raise TemplateError(
                f"{giver} gives no output {key}, which {node.name} needs",
                why=f"with an image named, its stack is left alone, and infra/{giver}.yaml was changed since",
                next_step=f"deploy once without --image: {again}",
            )


def _tested(context: Context, audience: Audience, released: Released, *, served_before: bool) -> Released:
    url = released.url or ""
    suite = smoke_suite.checks(context, url, released.version, served_before=served_before)
    with requests.Session() as http:
        checks = smoke.run(suite, http, audience.checked, clock=context.clock)
    failure = smoke.failure_of(checks, url, context.environment.name)
    return replace(released, checks=tuple(checks), failure=failure)


def _summary(context: Context, outcomes: Mapping[str, Outcome]) -> Released:
    outputs: dict[str, str] = {}
    for outcome in outcomes.values():
        outputs.update(outcome.result.outputs if outcome.result else {})
    return Released(
        environment=context.environment.name,
        nodes={name: outcomes[name] for name in context.nodes},
        url=outputs.get("ServiceUrl"),
        version=outputs.get("version"),
        image=outputs.get(graph.IMAGE_GIVES),
        failure=errors.first_failure(runner.errors(outcomes)),
    )


def _make_clients(context: Context) -> None:
    """Make the clients before the threads start, so that no thread waits while another makes one."""
    for service in ("cloudformation", "ecr", "ecs", "elbv2", "cloudwatch", "logs"):
        context.aws.client(service)
