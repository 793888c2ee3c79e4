"""The stack that holds the ECS service: its rollout followed, its weights guarded, its alarms heeded."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.account import permissions_boundary
from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import deploy as stack
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.change_set import Wanted
from pipeline.cloudformation.events import Event
from pipeline.cloudformation.resources import Resources
from pipeline.cloudformation.status import StackStatus
from pipeline.context import Setting
from pipeline.errors import StackFailedError, WaitTimeoutError
from pipeline.rollout import alarms, traffic_weights
from pipeline.rollout.controller import Choices, Follower

Say = Callable[[str], None]


def deploy(
    setting: Setting,
    wanted: Wanted,
    live: stacks.Live | None,
    say: Say,
    choices: Choices,
    *,
    meanwhile: Callable[[Sequence[Event]], None],
    evidence: Callable[[Event], list[str]],
) -> stack.Deployed:
    """stack.deploy with the gate held. Raises RolloutFailedError and RolloutRefusedError besides."""
    cloudformation = setting.aws.client("cloudformation")
    joined = live is not None and live.status.in_progress
    if live is not None and joined:
        live = _join(setting, wanted, live, say, choices)
    there = Resources({}, {})
    if live is not None and live.status.ready:
        there = resources.read(cloudformation, live.name)
        _let_end(setting, wanted, there, say, choices)
        live = permissions_boundary.align(setting, wanted, live, say)
        now = traffic_weights.live_weights(setting.aws.client("elbv2"), there.physical)
        live = traffic_weights.align(
            cloudformation, live, wanted.template, now, say, setting.wait, setting.timeout
        )
    wanted = traffic_weights.as_the_stack_has_them(wanted, live)
    follower = _follower(setting, wanted, say, choices)
    follower.begin(there.service_arn)

    def look(events: Sequence[Event]) -> None:
        meanwhile(events)
        if any(event.type == resources.SERVICE for event in events):
            follower.look(stack_rolls_back=_rolls_back(events))

    def heed_alarms() -> None:
        if not choices.despite_alarms:
            alarms.must_be_quiet(
                setting.aws.client("cloudwatch"),
                there.of_type(resources.ALARM),
                lambda: alarms.last_failure(setting.aws.client("ecs"), there.service_arn),
                say,
                setting.wait,
                setting.environment.rollout.alarms_clear_within_minutes * 60,
            )

    try:
        deployed = stack.deploy(
            cloudformation,
            wanted,
            say,
            setting.wait,
            live=live,
            meanwhile=look,
            evidence=evidence,
            review=traffic_weights.reviewer(wanted.template, heed_alarms),
            timeout=setting.timeout,
        )
    except StackFailedError as error:
        follower.close()
        raise follower.failure(error) or error from None
    except WaitTimeoutError as error:
        raise WaitTimeoutError(
            error.what, why=follower.story.why, next_step=error.next_step, details=follower.story.lines
        ) from None
    finally:
        follower.close()
    return replace(deployed, word="joined") if joined and deployed.word == "unchanged" else deployed


def settle(
    setting: Setting, wanted: Wanted, live: stacks.Live, say: Say, choices: Choices
) -> tuple[stacks.Live | None, Follower]:
    """Wait until the stack is at rest, holding the gate meanwhile, whoever began the rollout."""
    parameters = {**wanted.parameters, **live.parameters}
    follower = _follower(setting, replace(wanted, parameters=parameters), say, choices)
    follower.join(datetime.fromisoformat(live.changed_at))
    try:
        settled = stacks.settle(
            setting.aws.client("cloudformation"),
            live,
            say,
            setting.wait,
            setting.timeout,
            lambda now: follower.look(stack_rolls_back=now.status.rolls_back),
        )
    finally:
        follower.close()
    return settled, follower


def under_way(setting: Setting, service_arn: str) -> ServiceDeployment | None:
    """The rollout of the stack's service, whoever began it; None where nothing moves."""
    if not service_arn:
        return None
    found = service_deployment.latest(setting.aws.client("ecs"), service_arn)
    return found if found is not None and found.under_way else None


def _let_end(setting: Setting, wanted: Wanted, there: Resources, say: Say, choices: Choices) -> None:
    """Wait for a rollout that somebody began past CloudFormation, so that no second one comes on top."""
    ecs, other = setting.aws.client("ecs"), under_way(setting, there.service_arn)
    if other is None:
        return
    say(f"rollout {other.id} is under way, and no stack update began it: waiting for its end")
    follower = _follower(setting, wanted, say, choices)

    def probe() -> bool | None:
        follower.look()
        now = service_deployment.describe(ecs, other.arn)
        return None if now is not None and now.under_way else True

    try:
        setting.wait(probe, what=f"rollout {other.id}", timeout=setting.timeout)
    finally:
        follower.close()


def _join(
    setting: Setting, wanted: Wanted, live: stacks.Live, say: Say, choices: Choices
) -> stacks.Live | None:
    """Raises RolloutFailedError where the same image as wanted was rolled back just now."""
    settled, follower = settle(setting, wanted, live, say, choices)
    failure = follower.failure()
    if failure is not None and follower.story.image == wanted.parameters.get("ImageUri"):
        raise failure
    return settled


def _follower(setting: Setting, wanted: Wanted, say: Say, choices: Choices) -> Follower:
    return Follower(setting, wanted.name, wanted.template, wanted.parameters, say, choices)


def _rolls_back(events: Sequence[Event]) -> bool:
    of_the_stack = [event for event in events if event.of_the_stack]
    return bool(of_the_stack) and StackStatus(of_the_stack[-1].status).rolls_back
