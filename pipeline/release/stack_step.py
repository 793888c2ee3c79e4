"""A stack's node of the graph: nothing where it is as remembered, else its secrets and a change set."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from botocore.exceptions import ClientError

from pipeline.account import permissions_boundary
from pipeline.aws import lock, stopped_tasks, turn
from pipeline.cloudformation import deploy, fingerprints, secrets, stacks
from pipeline.cloudformation.change_set import Wanted
from pipeline.cloudformation.events import Event
from pipeline.context import Setting
from pipeline.graph.graph import Node
from pipeline.graph.runner import Result
from pipeline.release import service_step
from pipeline.rollout import traffic_weights
from pipeline.rollout.controller import Choices

Say = Callable[[str], None]


def work(
    setting: Setting,
    node: Node,
    parameters: Mapping[str, str],
    say: Say,
    memory: fingerprints.Remembered,
    choices: Choices,
) -> Result:
    """Bring one stack up to date. Raises what stack.deploy and stack.must_be_ours raise."""
    cloudformation = setting.aws.client("cloudformation")
    wanted = setting.wanted(node, parameters)
    live = stacks.describe(cloudformation, wanted.name)
    deploy.must_be_ours(cloudformation, live, wanted.template)
    wanted = permissions_boundary.given(setting, traffic_weights.as_the_stack_has_them(wanted, live), live)
    if live is not None and memory.is_unchanged(wanted, live) and not _moves(setting, live):
        return Result("unchanged", live.outputs)
    if not wanted.template.per_environment:
        with _account_lock(setting, say):
            return _change_stack(
                setting, wanted, stacks.describe(cloudformation, wanted.name), say, memory, choices
            )
    return _change_stack(setting, wanted, live, say, memory, choices)


def _moves(setting: Setting, live: stacks.Live) -> bool:
    """A rollout that somebody began past CloudFormation waits at its gates for us all the same."""
    arn = live.outputs.get("ServiceArn", "")
    return service_step.under_way(setting, arn) is not None


def _change_stack(
    setting: Setting,
    wanted: Wanted,
    live: stacks.Live | None,
    say: Say,
    memory: fingerprints.Remembered,
    choices: Choices,
) -> Result:
    ssm = setting.aws.client("ssm")
    kinds = secrets.kinds_in(wanted.template, wanted.parameters)
    for name in secrets.missing(ssm, kinds):
        if secrets.create(ssm, name, wanted.tags, setting.wait, kinds[name]):
            say(f"created the secret {name}")
    tasks = Tasks(setting, wanted, say)
    if traffic_weights.guarded(wanted.template):
        deployed = service_step.deploy(
            setting, wanted, live, say, choices, meanwhile=tasks.meanwhile, evidence=tasks.evidence
        )
        memory.record(traffic_weights.as_the_stack_has_them(wanted, deployed.live), deployed.live)
        return Result(deployed.word, deployed.live.outputs)
    if live is not None:
        live = permissions_boundary.align(setting, wanted, live, say)
    deployed = deploy.deploy(
        setting.aws.client("cloudformation"),
        wanted,
        say,
        setting.wait,
        live=live,
        meanwhile=tasks.meanwhile,
        evidence=tasks.evidence,
        timeout=setting.timeout,
    )
    memory.record(wanted, deployed.live)
    return Result(deployed.word, deployed.live.outputs)


def _account_lock(setting: Setting, say: Say) -> AbstractContextManager[None]:
    """Deploys of two environments may run at once; on a stack that both share, one waits for the other."""
    ssm, name = setting.aws.client("ssm"), f"/slipway/{setting.project.service}/lock"
    owner = lock.myself(f"deploy {setting.environment.name}")
    return turn.awaited(
        lambda: lock.held(ssm, name, owner, say, sleep=setting.sleep), say, setting.wait, setting.timeout
    )


class Tasks:
    """Follows the tasks of a stack's ECS service for as long as CloudFormation is at work on it."""

    def __init__(self, setting: Setting, wanted: Wanted, say: Say) -> None:
        self._setting = setting
        self._cluster = wanted.parameters.get("ClusterName", "default")
        self._stack_name = wanted.name
        self._say = say
        self._watch: stopped_tasks.Watch | None = None

    def meanwhile(self, events: Sequence[Event]) -> None:
        """To be called at every look at the stack."""
        ours = [event for event in events if event.type == stopped_tasks.SERVICE]
        if ours and not ours[-1].status.endswith("_COMPLETE"):
            self._on(ours[0]).look()

    def evidence(self, cause: Event) -> list[str]:
        """Why the service failed, if it is what failed."""
        if cause.type != stopped_tasks.SERVICE:
            return []
        return self._on(cause).evidence(cause.physical_id or self._physical_id(cause))

    def _physical_id(self, cause: Event) -> str:
        # A failed update's event may lack it; the stack's resource has it, unless a rollback was quicker.
        try:
            found = self._setting.aws.client("cloudformation").describe_stack_resources(
                StackName=cause.stack_id, LogicalResourceId=cause.logical_id
            )["StackResources"]
        except ClientError:
            return ""
        return str(found[0].get("PhysicalResourceId", "")) if found else ""

    def _on(self, first: Event) -> stopped_tasks.Watch:
        if self._watch is None:
            client = self._setting.aws.client
            self._watch = stopped_tasks.Watch(
                client("ecs"),
                client("logs"),
                cluster=self._cluster,
                stack_name=self._stack_name,
                since=first.time,  # AWS's clock, not ours
                say=self._say,
            )
        return self._watch
