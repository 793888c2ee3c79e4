"""Back to the version before: stops the rollout under way, else releases the image that served before."""

from dataclasses import replace

from pipeline.account import ownership
from pipeline.aws import lock, release_record, service_deployment
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import AwsRefusedError, RolloutFailedError, UsageError
from pipeline.release import deploy, forward, stop_rollout
from pipeline.release.deploy import Audience, Released
from pipeline.rollout.options import RolloutOptions


def stop(context: Context, log: Log, options: RolloutOptions) -> str | None:
    """Stop the rollout that is under way and wait until the stack is at rest; None where there is none.

    Gives a sentence on what was stopped. The environment's lock is not taken: the deploy that holds the lock
    is the one whose rollout is stopped. Raises UsageError where nothing is deployed, ProtectedError where the
    stack is another service's or environment's, StackStuckError and RolloutFailedError where the way back
    itself failed.
    """
    node = context.service_node
    current = context.current(node)
    if current is None:
        raise _nothing_there(context)
    ownership.must_not_be_anothers(current, context.tags_of(node))
    began = release_record.now()
    stopped = stop_rollout.stop(context, context.spec(node, node.given), current, log, options)
    if stopped is not None:
        _must_be_back(context, current)
        forward.note_stop(context, began, stopped, log)
    return stopped


def interrupted(context: Context) -> str | None:
    """The image that a rollback was releasing when its runner died; None where the last release was another.

    ECS may be at work on that rollback, or may have ended it: to stop it, or to go back from there, would
    bring the version back that somebody wanted to leave.
    """
    latest = forward.record_of(context).latest
    if latest is None or latest.ended or latest.action != "rollback":
        return None
    name = lock.parameter_name(context.project.service, context.environment.name)
    at_work = lock.holder(context.aws.client("ssm"), name) == latest.id
    return None if at_work else latest.image or None


def release_previous(
    context: Context, audience: Audience, options: RolloutOptions, image: str | None = None
) -> Released:
    """Release the image that served before the one that serves now, through the same gates.

    image: the one that `interrupted` gives, to carry on with its release.

    No alarm holds this release up: an alarm is often why somebody goes back. app/smoke.yaml may test what the
    earlier version does not have yet, so only the checks of every service are run. Raises UsageError where
    ECS remembers no earlier version.
    """
    word = "releasing" if image is None else "carrying on with a rollback whose runner died, to"
    image = image or previous_image(context)
    audience.log("rollback")(f"{word} {image}, whatever the alarms say")
    back = replace(options, despite_alarms=True, served_before=True)
    return deploy.deploy(context, audience, lambda _, __: None, image_uri=image, options=back)


def previous_image(context: Context) -> str:
    """The image, by digest, of the last successful deployment of another image than the one in use.

    Raises UsageError where ECS remembers no such deployment, or where there is no service.
    """
    node = context.service_node
    current = context.current(node)
    in_use = current.parameters.get("ImageUri", "") if current is not None else ""
    ecs, cloudformation = context.aws.client("ecs"), context.aws.client("cloudformation")
    service_arn = resources.read(cloudformation, context.stack_name(node)).service_arn
    if not service_arn:
        raise _nothing_there(context)
    for arn in service_deployment.successful(ecs, service_arn):
        try:
            image = service_deployment.revision(ecs, arn).image
        except AwsRefusedError:
            continue  # ECS has forgotten this revision
        if image != in_use and "@" in image:
            return image
    raise UsageError(
        f"ECS remembers no version before the one that {context.environment.name} runs",
        why="ECS keeps the deployments of the last 90 days",
        next_step=f"name the image: python -m pipeline deploy {context.environment.name} --image URI@DIGEST",
    )


def _must_be_back(context: Context, stopped: stacks.StackDescription) -> None:
    cloudformation = context.aws.client("cloudformation")
    now = stacks.describe(cloudformation, stopped.stack_id)
    if now is not None and now.status.needs_a_person:
        raise stacks.stuck(now)
    arn = resources.read(cloudformation, stopped.stack_id).service_arn
    last = service_deployment.latest(context.aws.client("ecs"), arn) if arn else None
    if last is not None and last.status == "ROLLBACK_FAILED":
        name = context.environment.name
        raise RolloutFailedError(
            f"rollout {last.id} could not be rolled back",
            why=last.why,
            next_step=f"see what serves: python -m pipeline status {name}; then release what should: "
            f"python -m pipeline deploy {name} --image URI@DIGEST",
        )


def _nothing_there(context: Context) -> UsageError:
    name = context.environment.name
    return UsageError(f"there is no service in {name}", next_step=f"python -m pipeline deploy {name}")
