"""The stack that holds the ECS service: its rollout followed, its weights guarded, its alarms heeded."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.account import permissions_boundary
from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import deploy as stack
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.events import Event
from pipeline.cloudformation.resources import Resources
from pipeline.cloudformation.status import StackStatus
from pipeline.context import Context
from pipeline.errors import StackFailedError, WaitTimeoutError
from pipeline.rollout import alarms, traffic_weights
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.options import RolloutOptions

Log = Callable[[str], None]


def deploy(
    context: Context,
    spec: StackSpec,
    current: stacks.StackDescription | None,
    log: Log,
    options: RolloutOptions,
    *,
    meanwhile: Callable[[Sequence[Event]], None],
    diagnostics: Callable[[Event], list[str]],
) -> stack.Deployed:
    """stack.deploy with the gate held. Raises RolloutFailedError and RolloutRefusedError besides."""
    cloudformation = context.aws.client("cloudformation")
    joined = current is not None and current.status.in_progress
    if current is not None and joined:
        current = _join(context, spec, current, log, options)
    there = Resources({}, {})
    if current is not None and current.status.ready:
        there = resources.read(cloudformation, current.name)
        _let_end(context, spec, there, log, options)
        current = permissions_boundary.attach(context, spec, current, log)
        now = traffic_weights.live_weights(context.aws.client("elbv2"), there.physical)
        current = traffic_weights.align(
            cloudformation, current, spec.template, now, log, context.wait, context.timeout
        )
    spec = traffic_weights.as_the_stack_has_them(spec, current)
    controller = _controller(context, spec, log, options)
    controller.begin(there.service_arn)

    def look(events: Sequence[Event]) -> None:
        meanwhile(events)
        if any(event.type == resources.SERVICE for event in events):
            controller.reconcile(stack_rolls_back=_rolls_back(events))

    def heed_alarms() -> None:
        if not options.despite_alarms:
            alarms.must_be_quiet(
                context.aws.client("cloudwatch"),
                there.of_type(resources.ALARM),
                lambda: alarms.last_failure(context.aws.client("ecs"), there.service_arn),
                log,
                context.wait,
                context.environment.rollout.alarms_clear_within_minutes * 60,
            )

    try:
        deployed = stack.deploy(
            cloudformation,
            spec,
            log,
            context.wait,
            current=current,
            meanwhile=look,
            diagnostics=diagnostics,
            review=traffic_weights.reviewer(spec.template, heed_alarms),
            timeout=context.timeout,
        )
    except StackFailedError as error:
        controller.close()
        raise controller.failure(error) or error from None
    except WaitTimeoutError as error:
        raise WaitTimeoutError(
            error.what, why=controller.record.why, next_step=error.next_step, details=controller.record.lines
        ) from None
    finally:
        controller.close()
    return replace(deployed, word="joined") if joined and deployed.word == "unchanged" else deployed


def settle(
    context: Context, spec: StackSpec, current: stacks.StackDescription, log: Log, options: RolloutOptions
) -> tuple[stacks.StackDescription | None, RolloutController]:
    """Wait until the stack is at rest, holding the gate meanwhile, whoever began the rollout."""
    parameters = {**spec.parameters, **current.parameters}
    controller = _controller(context, replace(spec, parameters=parameters), log, options)
    controller.join(datetime.fromisoformat(current.changed_at))
    try:
        settled = stacks.settle(
            context.aws.client("cloudformation"),
            current,
            log,
            context.wait,
            context.timeout,
            lambda now: controller.reconcile(stack_rolls_back=now.status.rolls_back),
        )
    finally:
        controller.close()
    return settled, controller


def under_way(context: Context, service_arn: str) -> ServiceDeployment | None:
    """The rollout of the stack's service, whoever began it; None where nothing moves."""
    if not service_arn:
        return None
    found = service_deployment.latest(context.aws.client("ecs"), service_arn)
    return found if found is not None and found.under_way else None


def _let_end(context: Context, spec: StackSpec, there: Resources, log: Log, options: RolloutOptions) -> None:
    """Wait for a rollout that somebody began past CloudFormation, so that no second one comes on top."""
    ecs, other = context.aws.client("ecs"), under_way(context, there.service_arn)
    if other is None:
        return
    log(f"rollout {other.id} is under way, and no stack update began it: waiting for its end")
    controller = _controller(context, spec, log, options)

    def probe() -> bool | None:
        controller.reconcile()
        now = service_deployment.describe(ecs, other.arn)
        return None if now is not None and now.under_way else True

    try:
        context.wait(probe, what=f"rollout {other.id}", timeout=context.timeout)
    finally:
        controller.close()


def _join(
    context: Context, spec: StackSpec, current: stacks.StackDescription, log: Log, options: RolloutOptions
) -> stacks.StackDescription | None:
    """Raises RolloutFailedError where the same image as wanted was rolled back just now."""
    settled, controller = settle(context, spec, current, log, options)
    failure = controller.failure()
    if failure is not None and controller.record.image == spec.parameters.get("ImageUri"):
        raise failure
    return settled


def _controller(context: Context, spec: StackSpec, log: Log, options: RolloutOptions) -> RolloutController:
    return RolloutController(context, spec.name, spec.template, spec.parameters, log, options)


def _rolls_back(events: Sequence[Event]) -> bool:
    of_the_stack = [event for event in events if event.of_the_stack]
    return bool(of_the_stack) and StackStatus(of_the_stack[-1].status).rolls_back
