"""A stack's turn in a deploy: nothing where it is unchanged, else its secrets and a change set."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError

from pipeline.account import ownership, permissions_boundary
from pipeline.aws import parameters, stopped_tasks
from pipeline.cloudformation import interruptions
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.deploy import Deployment, StackDeployer, StackLook
from pipeline.cloudformation.events import Event
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.cloudformation.outside import Outside
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.cloudformation.stacks import Log, StackDescription
from pipeline.context import Context
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Result
from pipeline.rollout.options import RolloutOptions


@dataclass(frozen=True)
class StackStep:
    """Brings one stack up to date. seen: as the stack was when the deploy began, which tells whether anything
    is to change; a stack that is to change is looked at again.
    """

    context: Context
    node: StackNode
    log: Log
    fingerprints: DeployedFingerprints
    options: RolloutOptions = field(default_factory=RolloutOptions)
    seen: StackDescription | None = None

    def run(self, outputs: Mapping[str, Mapping[str, str]]) -> Result:
        """Deploy the stack. Raises what deploying a stack raises, and ProtectedError for somebody else's."""
        current = self.seen or self.context.current(self.node)
        spec = self.spec(outputs, current)
        if current is not None and self.is_unchanged(spec, current):
            return Result("unchanged", current.outputs)
        with self.ready_to_change(spec, current) as (spec, current):
            untold: list[ParameterUpdate] = []
            if current is not None:
                boundary = permissions_boundary.update_to(spec, current)
                current = self.deployer.update_parameters(current, spec.template, boundary, untold)
            tasks = Tasks(self.context, spec, self.log)
            with self.deployer.deploy(as_untold(spec, current, untold), current) as deployment:
                for update in untold:
                    update.refuse_to_write(deployment.changes)
                self.tell_interruptions(deployment, spec, current)
                for look in deployment.events():
                    tasks.look(look, deployment)
        self.fingerprints.record(spec, deployment.stack)
        return Result(deployment.word, deployment.stack.outputs)

    def run_unless_there(self, outputs: Mapping[str, Mapping[str, str]]) -> Result:
        """Deploy the stack where there is none; a stack that is there is left alone."""
        current = self.seen or self.context.current(self.node)
        if current is None:
            return self.run(outputs)
        ownership.must_not_be_anothers(current, self.context.tags_of(self.node))
        return Result("left alone", current.outputs)

    @property
    def deployer(self) -> StackDeployer:
        return self.context.deployer(self.log, self.options.replaces)

    def spec(self, outputs: Mapping[str, Mapping[str, str]], current: StackDescription | None) -> StackSpec:
        """The stack as it should be, with the boundary of its roles and the versions of what it reads.

        Raises ProtectedError, TemplateError, and MissingInputError.
        """
        spec = self.context.spec(self.node, self.node.inputs(outputs))
        ownership.must_be_ours(self.deployer.cloudformation, current, spec.template, spec.tags)
        spec = permissions_boundary.add(self.context, spec, current)
        return self.outside.fixed(spec, self.outside.needs(spec, current))

    @property
    def outside(self) -> Outside:
        return self.context.outside(self.fingerprints.versions)

    def is_unchanged(self, spec: StackSpec, current: StackDescription) -> bool:
        """Nothing was changed since the last deploy, neither what is asked for nor the stack."""
        return self.fingerprints.is_unchanged(spec, current)

    def tell_interruptions(
        self, deployment: Deployment, spec: StackSpec, current: StackDescription | None
    ) -> None:
        """Log what the change set interrupts without replacing, before it is executed."""
        before = current.parameters if current is not None else {}
        for one in interruptions.found(deployment.changes, before, spec.parameters):
            self.log(f"interrupts {one.logical_id}: {one}")

    @contextlib.contextmanager
    def ready_to_change(
        self, spec: StackSpec, current: StackDescription | None
    ) -> Iterator[tuple[StackSpec, StackDescription | None]]:
        """Create the stack's own secrets; give what it should be, with their versions, and what it is then.

        Deploys of two environments may run at once: on a stack that both share, one waits for the other.
        """
        context, ssm = self.context, self.context.aws.client("ssm")
        with contextlib.ExitStack() as held:
            if not spec.template.per_environment:
                name, owner = f"/slipway/{context.project.service}/lock", f"deploy {context.environment.name}"
                held.enter_context(context.holding(name, owner, self.log, context.timeout))
            if self.seen is not None or not spec.template.per_environment:
                current = context.current(self.node)
            for secret, kind in self.outside.needs(spec, current).new.items():
                if parameters.create(ssm, secret, spec.tags, context.wait, kind):
                    self.log(f"created the secret {secret}")
            self.fingerprints.versions.forget()
            spec = replace(spec, template=self.node.template)
            spec = self.outside.fixed(spec, self.outside.needs(spec, current))
            for change in self.outside.changes(spec, self.fingerprints.reads(spec.name)):
                self.log(change)
            yield spec, current
            self.fingerprints.versions.forget()


def as_untold(
    spec: StackSpec, current: StackDescription | None, untold: Sequence[ParameterUpdate]
) -> StackSpec:
    """`spec` with the stack's own values of the parameters that the stack could not be told."""
    keys = {key for update in untold for key in update.changed}
    kept = {key: current.parameters[key] for key in keys} if current is not None else {}
    return replace(spec, parameters={**spec.parameters, **kept})


class Tasks:
    """Follows the tasks of a stack's ECS service for as long as CloudFormation is at work on the service."""

    def __init__(self, context: Context, spec: StackSpec, log: Log) -> None:
        self._context, self._spec, self._log = context, spec, log
        self._watch: stopped_tasks.StoppedTaskWatcher | None = None

    def look(self, look: StackLook, deployment: Deployment) -> None:
        """Look at the tasks, too; where the service has just failed, add to the deployment why it failed."""
        of_the_service = [event for event in look.events if event.of_the_service]
        if of_the_service and not of_the_service[-1].status.endswith("_COMPLETE"):
            self._on(of_the_service[0]).look()
        if look.cause is not None:
            deployment.diagnostics += self.diagnostics(look.cause)

    def diagnostics(self, cause: Event) -> list[str]:
        """Why the service failed, if the service is what failed."""
        if not cause.of_the_service:
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
                cluster=self._spec.parameters.get("ClusterName", "default"),
                stack_name=self._spec.name,
                since=first.time,  # AWS's clock, not ours
                log=self._log,
            )
        return self._watch
