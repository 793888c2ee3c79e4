"""The stack that holds the ECS service: its rollout followed, its weights guarded, its alarms heeded."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.account import permissions_boundary
from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import parameter_update, resources
from pipeline.cloudformation.change_set import ResourceChange, StackSpec
from pipeline.cloudformation.resources import Resources
from pipeline.cloudformation.stacks import StackDescription
from pipeline.context import Context
from pipeline.errors import StackFailedError, WaitTimeoutError
from pipeline.graph.graph import SERVICE
from pipeline.graph.runner import Result
from pipeline.release.stack_step import StackStep, Tasks
from pipeline.rollout import alarms, traffic_weights
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.options import RolloutOptions

Log = Callable[[str], None]


class ServiceStep(StackStep):
    """Brings the service's stack up to date, and holds the gates of the rollout that this begins."""

    def run(self, outputs: Mapping[str, Mapping[str, str]]) -> Result:
        """Deploy the stack. Raises RolloutFailedError and RolloutRefusedError besides."""
        current = self.context.current(self.node)
        spec = self.spec(outputs, current)
        if current is not None and self.is_unchanged(spec, current):
            return Result("unchanged", current.outputs)
        with self.ready_to_change(spec, current) as current:
            joined = current is not None and current.status.in_progress
            if current is not None and joined:
                current = self.join(spec, current)
            there = Resources({}, {})
            if current is not None and current.status.ready:
                there = resources.read(self.deployer.cloudformation, current.name)
                self.let_end(spec, there.service_arn)
                boundary = permissions_boundary.update_to(spec, current)
                current = self.deployer.update_parameters(current, spec.template, boundary)
                live = traffic_weights.live_weights(self.context.aws.client("elbv2"), there.physical)
                weights = traffic_weights.update_to(live, current)
                current = self.deployer.update_parameters(current, spec.template, weights)
            given = traffic_weights.as_the_stack_has_them(spec, current)
            tasks, controller = Tasks(self.context, spec, self.log), self.controller(given)
            controller.begin(there.service_arn)
            with told_by(controller), self.deployer.deploy(given, current) as deployment:
                self.review(deployment.changes, there)
                for look in deployment.events():
                    tasks.look(look, deployment)
                    if any(event.of_the_service for event in look.events):
                        controller.reconcile(stack_rolls_back=look.rolls_back)
        self.fingerprints.record(spec, deployment.stack)
        word = "joined" if joined and deployment.word == "unchanged" else deployment.word
        return Result(word, deployment.stack.outputs)

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
        ecs, other = self.context.aws.client("ecs"), under_way(self.context, service_arn)
        if other is None:
            return
        self.log(f"rollout {other.id} is under way, and no stack update began it: waiting for its end")
        with contextlib.closing(self.controller(spec)) as controller:

            def probe() -> bool | None:
                controller.reconcile()
                now = service_deployment.describe(ecs, other.arn)
                return None if now is not None and now.under_way else True

            self.context.wait(probe, what=f"rollout {other.id}", timeout=self.context.timeout)

    def review(self, changes: Sequence[ResourceChange], there: Resources) -> None:
        """Raises RolloutRefusedError for a change set that moves traffic, or begins a rollout in an alarm."""
        traffic_weights.refuse_to_move(changes, self.node.template)
        if not self.options.despite_alarms and _begins_a_rollout(changes):
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
    if not service_arn:
        return None
    found = service_deployment.latest(context.aws.client("ecs"), service_arn)
    return found if found is not None and found.under_way else None


def _begins_a_rollout(changes: Sequence[ResourceChange]) -> bool:
    gone = parameter_update.replaced(changes, perhaps=True)
    services = [change for change in changes if change.type == SERVICE and change.action == "Modify"]
    return any(not parameter_update.only_refers(change, gone) for change in services)
