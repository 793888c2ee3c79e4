"""A release, told from top to bottom: guard, lock, graph, smoke tests."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import requests

from pipeline.aws import errors
from pipeline.checks import smoke, smoke_file
from pipeline.checks import suite as smoke_suite
from pipeline.cloudformation import fingerprints
from pipeline.context import Setting
from pipeline.errors import SlipwayError, TemplateError
from pipeline.graph import graph, runner
from pipeline.graph.runner import Outcome, Result
from pipeline.image import image_step
from pipeline.image import released as named
from pipeline.release import stack_step
from pipeline.rollout.controller import Choices
from pipeline.rollout.record import Story

Say = Callable[[str], None]


class Audience(runner.Watcher, Protocol):
    """Who is told what happens."""

    def say(self, node: str) -> Say: ...

    def checked(self, outcome: smoke.Outcome) -> None: ...


@dataclass(frozen=True)
class Released:
    """What a deploy did. failure: what to exit with, None when all went well. Times are seconds; `started` is
    on the clock of the nodes and the rollouts.
    """

    environment: str
    nodes: Mapping[str, Outcome]
    seconds: float
    calls: int
    url: str | None = None
    version: str | None = None
    image: str | None = None
    checks: tuple[smoke.Outcome, ...] = ()
    failure: SlipwayError | None = None
    started: float = 0.0
    rollouts: tuple[Story, ...] = ()


def deploy(
    setting: Setting,
    audience: Audience,
    base_image: image_step.BaseImage,
    *,
    image_uri: str | None = None,
    choices: Choices | None = None,
) -> Released:
    """Bring the environment to what the templates, its file and app/ (or `image_uri`) say, and test it."""
    started = setting.clock()
    setting.guard_account()
    smoke_file.load(smoke_suite.file(setting))  # a fault in it should not wait until everything is deployed
    version, leave = None, frozenset[str]()
    if image_uri is not None:
        version = named.must_exist(setting, image_uri)
        # An image that is there needs nothing done to its repository, which is not this environment's alone.
        leave = graph.needed_for(setting.nodes, graph.IMAGE)
        _must_do_as_they_are(setting, leave)
    ssm = setting.aws.client("ssm")
    names = setting.project.service, setting.environment.name
    stories: list[Story] = []
    choices = replace(choices or Choices(), heard=stories.append)
    patience = setting.timeout if choices.wait_minutes is None else choices.wait_minutes * 60
    with setting.locked("deploy", audience.say("lock"), patience):
        memory = fingerprints.Remembered(ssm, fingerprints.parameter_name(*names))

        def work(name: str, outputs: Mapping[str, Mapping[str, str]]) -> Result:
            node, say = setting.nodes[name], audience.say(name)
            live = setting.live(node) if name in leave else None
            if live is not None:
                return Result("left alone", live.outputs)
            inputs = node.inputs(outputs)
            if node.template is not None:
                return stack_step.work(setting, node, inputs, say, memory, choices)
            if image_uri is not None:
                return Result("given", {graph.IMAGE_GIVES: image_uri, "version": version or ""})
            return image_step.work(setting, inputs[graph.IMAGE_NEEDS], say, base_image)

        _make_clients(setting)
        needs = {name: node.needs for name, node in setting.nodes.items()}
        try:
            outcomes = runner.run(needs, work, audience, clock=setting.clock)
        finally:
            memory.save(audience.say("memory"))
        released = _summary(setting, outcomes, started)
        if released.failure is None and released.url is not None:
            released = _tested(setting, audience, released, served_before=choices.served_before)
    seconds = setting.clock() - started
    return replace(
        released, seconds=seconds, calls=setting.aws.calls, started=started, rollouts=tuple(stories)
    )


def _must_do_as_they_are(setting: Setting, names: Iterable[str]) -> None:
    """Raises TemplateError where a stack that is to be left alone is too old for those that stand on it."""
    live = {name: setting.live(setting.nodes[name]) for name in names}
    outputs = {name: stack.outputs for name, stack in live.items() if stack is not None}
    again = f"python -m pipeline deploy {setting.environment.name}"
    for node in setting.nodes.values():
        for key, giver in node.lacks(outputs).items() if node.name not in outputs else ():
            raise TemplateError(
                f"{giver} gives no output {key}, which {node.name} needs",
                why=f"with an image named, its stack is left alone, and infra/{giver}.yaml was changed since",
                next_step=f"deploy once without --image: {again}",
            )


def _tested(setting: Setting, audience: Audience, released: Released, *, served_before: bool) -> Released:
    url = released.url or ""
    suite = smoke_suite.checks(setting, url, released.version, served_before=served_before)
    with requests.Session() as http:
        checks = smoke.run(suite, http, audience.checked, clock=setting.clock)
    failure = smoke.failure_of(checks, url, setting.environment.name)
    return replace(released, checks=tuple(checks), failure=failure)


def _summary(setting: Setting, outcomes: Mapping[str, Outcome], started: float) -> Released:
    outputs: dict[str, str] = {}
    for outcome in outcomes.values():
        outputs.update(outcome.result.outputs if outcome.result else {})
    return Released(
        environment=setting.environment.name,
        nodes={name: outcomes[name] for name in setting.nodes},
        seconds=setting.clock() - started,
        calls=setting.aws.calls,
        url=outputs.get("ServiceUrl"),
        version=outputs.get("version"),
        image=outputs.get(graph.IMAGE_GIVES),
        failure=errors.first_failure(runner.errors(outcomes)),
    )


def _make_clients(setting: Setting) -> None:
    """Before the threads start, so that none of them waits for another one's client."""
    for service in ("cloudformation", "ecr", "ecs", "elbv2", "cloudwatch", "logs"):
        setting.aws.client(service)
