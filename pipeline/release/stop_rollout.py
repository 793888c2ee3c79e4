"""Stops the rollout of a service's stack, whoever began it, and waits until nothing moves any more."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.change_set import Wanted
from pipeline.context import Setting
from pipeline.release import service_step
from pipeline.rollout.controller import Choices

Say = Callable[[str], None]


def stop(setting: Setting, wanted: Wanted, live: stacks.Live, say: Say, choices: Choices) -> str | None:
    """Stop the rollout under way; give a sentence on what was stopped, None where there is none.

    A stack update that has not come to its rollout yet is waited for until it does. One that rolls back
    already puts the former version back: that is let end. The environment's lock is not asked for.
    """
    now = _begun(setting, live, say)
    rolls_back = _now(setting, live).status.rolls_back
    if now is None and not rolls_back:
        return None
    if now is not None and not now.rolling_back and not rolls_back:
        say(f"stopping {now.id} in {now.stage}")
        service_deployment.roll_back(setting.aws.client("ecs"), now)
    else:
        say("it is rolling back already")
    quiet = replace(choices, probe=False)
    settled, _ = service_step.settle(setting, wanted, _now(setting, live), say, quiet)
    if now is None:
        stopped = f"stack {live.name} is {settled.status if settled else 'gone'}"
    else:
        stopped = f"rollout {now.id} was stopped in {now.stage} and is {_ended(setting, now)}"
    say(stopped)
    return stopped


def _begun(setting: Setting, live: stacks.Live, say: Say) -> ServiceDeployment | None:
    """The rollout under way, waited for while a stack update is on its way to one."""
    told = False

    def probe() -> tuple[ServiceDeployment | None] | None:
        nonlocal told
        stack = stacks.describe(setting.aws.client("cloudformation"), live.stack_id)
        if stack is None or stack.status.name == "DELETE_IN_PROGRESS":
            return (None,)
        arn = resources.read(setting.aws.client("cloudformation"), live.stack_id).service_arn
        found = service_deployment.latest(setting.aws.client("ecs"), arn) if arn else None
        if found is not None and found.under_way:
            return (found,)
        if not stack.status.in_progress or stack.status.rolls_back:
            return (None,)
        if not told:
            say(f"{stack.status}: waiting for its rollout to begin, to stop it")
            told = True
        return None

    found: tuple[ServiceDeployment | None] = setting.wait(
        probe, what=f"the rollout of {live.name}", timeout=setting.timeout
    )
    return found[0]


def _now(setting: Setting, live: stacks.Live) -> stacks.Live:
    return stacks.describe(setting.aws.client("cloudformation"), live.stack_id) or live


def _ended(setting: Setting, stopped: ServiceDeployment) -> str:
    """How it ended: at once where a stack update waited for it, and waited for where none did."""
    ecs = setting.aws.client("ecs")

    def probe() -> str | None:
        now = service_deployment.describe(ecs, stopped.arn)
        if now is None:
            return "gone"
        return None if now.under_way else now.status

    status: str = setting.wait(probe, what=f"rollout {stopped.id}", timeout=setting.timeout)
    return status
