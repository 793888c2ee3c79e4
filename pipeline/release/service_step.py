"""The stack that holds the ECS service: its rollout followed, its weights guarded, its alarms heeded."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.account import permissions_boundary
from pipeline.aws import running_service, service_deployment
from pipeline.aws.running_service import RunningService
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import parameter_update, resources
from pipeline.cloudformation.change_set import ResourceChange, StackSpec
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.cloudformation.resources import Resources
from pipeline.cloudformation.stacks import Log, StackDescription
from pipeline.context import Context
from pipeline.errors import StackFailedError, WaitTimeoutError
from pipeline.graph.graph import SERVICE
from pipeline.graph.runner import Result
from pipeline.release.running_tasks import RunningTasks
from pipeline.release.stack_step import StackStep, Tasks, as_untold
from pipeline.rollout import alarms, traffic_weights
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.options import RolloutOptions


class ServiceStep(StackStep):
    """Brings the service's stack up to date, and holds the gates of the rollout that this begins."""

    def run(self, outputs: Mapping[str, Mapping[str, str]]) -> Result:
        """Deploy the stack. Raises RolloutFailedError and RolloutRefusedError besides."""
        current = self.seen or self.context.current(self.node)
        spec = self.spec(outputs, current)
        if current is not None and self.is_unchanged(spec, current):
            return Result(self.looked_after(spec, current), current.outputs)
        with self.ready_to_change(spec, current) as (spec, current):
            joined = current is not None and current.status.in_progress
            if current is not None and joined:
                current = self.join(spec, current)
            there = Resources({}, {})
            untold: list[ParameterUpdate] = []
            if current is not None and current.status.ready:
                there = resources.read(self.deployer.cloudformation, current.name)
                self.let_end(spec, there.service_arn)
                boundary = permissions_boundary.update_to(spec, current)
                current = self.deployer.update_parameters(current, spec.template, boundary, untold)
                live = traffic_weights.live_weights(self.context.aws.client("elbv2"), there.physical)
                weights = traffic_weights.update_to(live, current)
                current = self.deployer.update_parameters(current, spec.template, weights, untold)
            given = as_untold(traffic_weights.as_the_stack_has_them(spec, current), current, untold)
            tasks, controller = Tasks(self.context, spec, self.log), self.controller(given)
            controller.begin(there.service_arn)
            with told_by(controller), self.deployer.deploy(given, current) as deployment:
                self.review(deployment.changes, there, untold)
                self.tell_interruptions(deployment, given, current)
                for look in deployment.events():
                    tasks.look(look, deployment)
                    if any(event.of_the_service for event in look.events):
                        controller.reconcile(stack_rolls_back=look.rolls_back)
        self.fingerprints.record(spec, deployment.stack)
        word = "joined" if joined and deployment.word == "unchanged" else deployment.word
        word = self.looked_after(spec, deployment.stack) if word == "unchanged" else word
        return Result(word, deployment.stack.outputs)

    def looked_after(self, spec: StackSpec, stack: StackDescription) -> str:
        """`unchanged` where the service runs what its stack asks for, else `put right` once it does.

        A rollout that was begun past CloudFormation may have left another version, or none. Raises
        RolloutFailedError, StackStuckError and WaitTimeoutError where it could not be put right.
        """
        arn = stack.outputs.get("ServiceArn", "")
        if not arn:
            return "unchanged"
        tasks = RunningTasks(self.context, spec, arn, self.log)
        service = tasks.service()
        counted = tasks.set_count(service)
        released = self.release_again(spec, stack, service)
        tasks.wait(tasks.service() if counted or released else service)
        return "put right" if counted or released else "unchanged"

    def release_again(self, spec: StackSpec, stack: StackDescription, service: RunningService) -> bool:
        """Release what the stack says, through the gates, where the service has another task definition.

        So it is, too, where the last rollout ended halfway. Gives whether there was need for it.
        """
        ecs, wanted = self.context.aws.client("ecs"), stack.outputs.get("TaskDefinitionArn", "")
        last = service_deployment.latest(ecs, service.arn)
        if last is not None and last.failed:
            self.log(f"the last rollout ({last.id}) ended {last.status}: {last.why or 'no reason given'}")
        halfway = last is not None and last.halfway
        if not wanted or (service.task_definition == wanted and not halfway):
            return False
        self.log(f"the service runs {service.task_definition}, and {spec.name} says {wanted}: releasing that")
        self.must_be_quiet(resources.read(self.deployer.cloudformation, spec.name))
        controller = self.controller(spec)
        controller.begin(service.arn)
        running_service.release(ecs, service.arn, wanted)
        with told_by(controller):
            self.follow(controller, service.arn, after=last)
            failure = controller.failure()
            if failure is not None:
                raise failure
        return True

    def is_unchanged(self, spec: StackSpec, current: StackDescription) -> bool:
        """A rollout that somebody began past CloudFormation waits at its gates all the same."""
        arn = current.outputs.get("ServiceArn", "")
        return super().is_unchanged(spec, current) and under_way(self.context, arn) is None

    def controller(self, spec: StackSpec) -> RolloutController:
        return RolloutController(self.context, spec, self.log, self.options)

    def join(self, spec: StackSpec, current: StackDescription) -> StackDescription | None:
        """Wait for an update under way. Raises RolloutFailedError where it rolled the same image back."""
        settled, controller = settle(self.context, spec, current, self.log, self.options)
        failure = controller.failure()
        if failure is not None and controller.record.image == spec.parameters.get("ImageUri"):
            raise failure
        return settled

    def let_end(self, spec: StackSpec, service_arn: str) -> None:
        """Wait for a rollout that somebody began past CloudFormation, so that no second one comes on top."""
        other = under_way(self.context, service_arn)
        if other is None:
            return
        self.log(f"rollout {other.id} is under way, and no stack update began it: waiting for its end")
        with contextlib.closing(self.controller(spec)) as controller:
            self.follow(controller, service_arn, after=None)

    def follow(
        self, controller: RolloutController, service_arn: str, *, after: ServiceDeployment | None
    ) -> None:
        """Hold the gates of the rollout that is under way, or about to begin after another, until its end."""
        ecs = self.context.aws.client("ecs")

        def probe() -> bool | None:
            controller.reconcile()
            now = service_deployment.latest(ecs, service_arn)
            if now is None or now.under_way:
                return None if now is not None else True
            return True if after is None or now.created_at > after.created_at else None

        self.context.wait(probe, what=f"the rollout of {service_arn}", timeout=self.context.timeout)

    def review(
        self, changes: Sequence[ResourceChange], there: Resources, untold: Sequence[ParameterUpdate]
    ) -> None:
        """Raises RolloutRefusedError for a change set that moves traffic, that writes what the stack was not
        told of, or that begins a rollout in an alarm.
        """
        for update in untold:
            update.refuse_to_write(changes)
        traffic_weights.refuse_to_move(changes, self.node.template)
        if _begins_a_rollout(changes):
            self.must_be_quiet(there)

    def must_be_quiet(self, there: Resources) -> None:
        """Raises RolloutRefusedError in an alarm that does not end."""
        if not self.options.despite_alarms:
            alarms.must_be_quiet(
                self.context.aws.client("cloudwatch"),
                there.of_type(resources.ALARM),
                lambda: alarms.last_failure(self.context.aws.client("ecs"), there.service_arn),
                self.log,
                self.context.wait,
                self.context.environment.rollout.alarms_clear_within_minutes * 60,
            )


@contextlib.contextmanager
def told_by(controller: RolloutController) -> Iterator[None]:
    """Close the controller at the end, and tell a failure of the stack as that of its rollout."""
    try:
        yield
    except StackFailedError as error:
        controller.close()
        raise controller.failure(error) or error from None
    except WaitTimeoutError as error:
        raise WaitTimeoutError(
            error.what, why=controller.record.why, next_step=error.next_step, details=controller.record.lines
        ) from None
    finally:
        controller.close()


def settle(
    context: Context, spec: StackSpec, current: StackDescription, log: Log, options: RolloutOptions
) -> tuple[StackDescription | None, RolloutController]:
    """Wait until the stack is at rest, holding the gates meanwhile, whoever began the rollout."""
    spec = replace(spec, parameters={**spec.parameters, **current.parameters})
    controller = RolloutController(context, spec, log, options)
    controller.join(datetime.fromisoformat(current.changed_at))
    settled: StackDescription | None = current
    with contextlib.closing(controller):
        for look in context.deployer(log).settling(current):
            settled = look.current
            if look.current is not None:
                controller.reconcile(stack_rolls_back=look.rolls_back)
    return settled, controller


def under_way(context: Context, service_arn: str) -> ServiceDeployment | None:
    """The rollout of the stack's service, whoever began it; None where nothing moves."""
    return service_deployment.under_way(context.aws.client("ecs"), service_arn) if service_arn else None


def _begins_a_rollout(changes: Sequence[ResourceChange]) -> bool:
    gone = parameter_update.replaced(changes, perhaps=True)
    services = [change for change in changes if change.type == SERVICE and change.action == "Modify"]
    return any(not parameter_update.only_refers(change, gone) for change in services)
