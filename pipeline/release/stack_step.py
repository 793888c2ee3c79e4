"""A stack's node of the graph: nothing where it is as remembered, else its secrets and a change set."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from botocore.exceptions import ClientError

from pipeline.account import permissions_boundary
from pipeline.aws import lock, stopped_tasks
from pipeline.cloudformation import deploy, secrets, stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.events import Event
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.context import Context
from pipeline.graph.graph import Node
from pipeline.graph.runner import Result
from pipeline.release import service_step
from pipeline.rollout import traffic_weights
from pipeline.rollout.options import RolloutOptions

Log = Callable[[str], None]


def work(
    context: Context,
    node: Node,
    parameters: Mapping[str, str],
    log: Log,
    fingerprints: DeployedFingerprints,
    options: RolloutOptions,
) -> Result:
    """Bring one stack up to date. Raises what stack.deploy and stack.must_be_ours raise."""
    cloudformation = context.aws.client("cloudformation")
    spec = context.spec(node, parameters)
    current = stacks.describe(cloudformation, spec.name)
    deploy.must_be_ours(cloudformation, current, spec.template)
    spec = permissions_boundary.add(context, traffic_weights.as_the_stack_has_them(spec, current), current)
    if current is not None and fingerprints.is_unchanged(spec, current) and not _moves(context, current):
        return Result("unchanged", current.outputs)
    if not spec.template.per_environment:
        with _account_lock(context, log):
            return _change_stack(
                context, spec, stacks.describe(cloudformation, spec.name), log, fingerprints, options
            )
    return _change_stack(context, spec, current, log, fingerprints, options)


def _moves(context: Context, current: stacks.StackDescription) -> bool:
    """A rollout that somebody began past CloudFormation waits at its gates for us all the same."""
    arn = current.outputs.get("ServiceArn", "")
    return service_step.under_way(context, arn) is not None


def _change_stack(
    context: Context,
    spec: StackSpec,
    current: stacks.StackDescription | None,
    log: Log,
    fingerprints: DeployedFingerprints,
    options: RolloutOptions,
) -> Result:
    ssm = context.aws.client("ssm")
    kinds = secrets.kinds_in(spec.template, spec.parameters)
    for name in secrets.missing(ssm, kinds):
        if secrets.create(ssm, name, spec.tags, context.wait, kinds[name]):
            log(f"created the secret {name}")
    tasks = Tasks(context, spec, log)
    if traffic_weights.guarded(spec.template):
        deployed = service_step.deploy(
            context, spec, current, log, options, meanwhile=tasks.meanwhile, diagnostics=tasks.diagnostics
        )
        fingerprints.record(traffic_weights.as_the_stack_has_them(spec, deployed.current), deployed.current)
        return Result(deployed.word, deployed.current.outputs)
    if current is not None:
        current = permissions_boundary.attach(context, spec, current, log)
    deployed = deploy.deploy(
        context.aws.client("cloudformation"),
        spec,
        log,
        context.wait,
        current=current,
        meanwhile=tasks.meanwhile,
        diagnostics=tasks.diagnostics,
        timeout=context.timeout,
    )
    fingerprints.record(spec, deployed.current)
    return Result(deployed.word, deployed.current.outputs)


def _account_lock(context: Context, log: Log) -> AbstractContextManager[None]:
    """Deploys of two environments may run at once; on a stack that both share, one waits for the other."""
    ssm, name = context.aws.client("ssm"), f"/slipway/{context.project.service}/lock"
    owner = lock.myself(f"deploy {context.environment.name}")
    return lock.wait_for(
        lambda: lock.held(ssm, name, owner, log, sleep=context.sleep), log, context.wait, context.timeout
    )


class Tasks:
    """Follows the tasks of a stack's ECS service for as long as CloudFormation is at work on it."""

    def __init__(self, context: Context, spec: StackSpec, log: Log) -> None:
        self._context = context
        self._cluster = spec.parameters.get("ClusterName", "default")
        self._stack_name = spec.name
        self._log = log
        self._watch: stopped_tasks.StoppedTaskWatcher | None = None

    def meanwhile(self, events: Sequence[Event]) -> None:
        """To be called at every look at the stack."""
        ours = [event for event in events if event.type == stopped_tasks.SERVICE]
        if ours and not ours[-1].status.endswith("_COMPLETE"):
            self._on(ours[0]).look()

    def diagnostics(self, cause: Event) -> list[str]:
        """Why the service failed, if it is what failed."""
        if cause.type != stopped_tasks.SERVICE:
            return []
        return self._on(cause).diagnostics(cause.physical_id or self._physical_id(cause))

    def _physical_id(self, cause: Event) -> str:
        # A failed update's event may lack it; the stack's resource has it, unless a rollback was quicker.
        try:
            found = self._context.aws.client("cloudformation").describe_stack_resources(
                StackName=cause.stack_id, LogicalResourceId=cause.logical_id
            )["StackResources"]
        except ClientError:
            return ""
        return str(found[0].get("PhysicalResourceId", "")) if found else ""

    def _on(self, first: Event) -> stopped_tasks.StoppedTaskWatcher:
        if self._watch is None:
            client = self._context.aws.client
            self._watch = stopped_tasks.StoppedTaskWatcher(
                client("ecs"),
                client("logs"),
                cluster=self._cluster,
                stack_name=self._stack_name,
                since=first.time,  # AWS's clock, not ours
                log=self._log,
            )
        return self._watch
