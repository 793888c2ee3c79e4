"""Stops the rollout of the service's stack, whoever began it, and waits until the stack is at rest.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
"""

from dataclasses import replace

from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.release import service_step
from pipeline.rollout.options import RolloutOptions


def stop(
    context: Context, spec: StackSpec, current: stacks.StackDescription, log: Log, options: RolloutOptions
) -> str | None:
    """Stop the rollout under way; give a sentence on what was stopped, None where there is none.

    A stack update that has not come to its rollout yet is waited for. A rollout that rolls back already is
    left to its end, which brings the former version back. The environment's lock is not taken.
    """
    now = _begun(context, current, log)
    rolls_back = _now(context, current).status.rolls_back
    if now is None and not rolls_back:
        return None
    if now is not None and not now.rolling_back and not rolls_back:
        log(f"stopping {now.id} in {now.stage}")
        service_deployment.roll_back(context.aws.client("ecs"), now)
    else:
        log(f"{current.name} is rolling back already")
    quiet = replace(options, probe=False)
    settled, _ = service_step.settle(context, spec, _now(context, current), log, quiet)
    if now is None:
        stopped = f"stack {current.name} is {settled.status if settled else 'gone'}"
    else:
        stopped = f"rollout {now.id} was stopped in {now.stage} and is {_ended(context, now)}"
    log(stopped)
    return stopped


def _begun(context: Context, current: stacks.StackDescription, log: Log) -> ServiceDeployment | None:
    """The rollout under way. While a stack update has not come to its rollout, wait for the rollout."""
    cloudformation, told = context.aws.client("cloudformation"), False

    def look() -> stacks.StackDescription | None:
        return stacks.describe(cloudformation, current.stack_id)

    for stack in context.waiter.looks(look, what=f"the rollout of {current.name}", timeout=context.timeout):
        if stack is None or stack.status.name == "DELETE_IN_PROGRESS":
            break
        arn = resources.read(cloudformation, current.stack_id).service_arn
        found = service_deployment.under_way(context.aws.client("ecs"), arn) if arn else None
        if found is not None:
            return found
        if not stack.status.in_progress or stack.status.rolls_back:
            break
        if not told:
            log(f"{stack.status}: waiting for its rollout to begin, to stop it")
            told = True
    return None


def _now(context: Context, current: stacks.StackDescription) -> stacks.StackDescription:
    return stacks.describe(context.aws.client("cloudformation"), current.stack_id) or current


def _ended(context: Context, stopped: ServiceDeployment) -> str:
    """The status of the deployment at its end; `gone` where ECS no longer knows the deployment."""
    ecs = context.aws.client("ecs")

    def probe() -> str | None:
        now = service_deployment.describe(ecs, stopped.arn)
        if now is None:
            return "gone"
        return None if now.under_way else now.status

    status: str = context.wait(probe, what=f"rollout {stopped.id}", timeout=context.timeout)
    return status
