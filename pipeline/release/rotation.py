"""A new random value for one of an environment's own secrets, released through the gates.

The new value is a new version of the parameter. So the deploy that follows gives it to the database (the
reference carries the version) and then to new tasks. A deploy takes up where a rotation was interrupted.
"""

from dataclasses import replace

from pipeline.aws import parameters
from pipeline.config.environment import did_you_mean
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.graph import references
from pipeline.graph.graph import IMAGE_GIVES
from pipeline.release import deploy
from pipeline.release.deploy import Audience, Released
from pipeline.rollout.options import RolloutOptions


def rotate(context: Context, audience: Audience, name: str, options: RolloutOptions) -> Released:
    """Give a secret a new value, whether it is there or gone, and release the image in use with it.

    name: as a template declares it, or the whole name of the parameter. No alarm holds the release up: a lost
    secret is often why one rings; and the smoke tests are those that every service must pass, since app/ may
    be ahead of the image. Raises UsageError for another name, and where nothing is deployed.
    """
    own = {
        secret: kind
        for node in context.stacks.values()
        if node.template.per_environment
        for secret, kind in node.template.own_secrets(context.names).items()
    }
    below = f"/{context.project.service}/{context.environment.name}/"
    whole = name if name.startswith("/") else below + name
    if whole not in own:
        known = [secret.removeprefix(below) for secret in own]
        raise UsageError(
            f"{name} is no secret that a template declares as its own" + did_you_mean(name, known),
            why=f"declared are {', '.join(known) or 'none'}",
            next_step="name one of these; a secret of your own gets a new value by aws ssm put-parameter",
        )
    current = context.current(context.service_node)
    image = current.parameters.get(IMAGE_GIVES) if current is not None else None
    if image is None:
        raise UsageError(
            f"there is no service in {context.environment.name}",
            why="a first deploy makes its secrets itself",
            next_step=f"python -m pipeline deploy {context.environment.name}",
        )
    ssm, log = context.aws.client("ssm"), audience.log("secret")
    patience = context.timeout if options.wait_minutes is None else options.wait_minutes * 60
    with context.locked("secret rotate", log, patience):
        in_use = _versions_in_use(context, whole)
        parameters.renew(ssm, whole, context.tags, context.wait, own[whole], in_use)
        log(f"{whole} has a new value; releasing {image} with it")
    back = replace(options, despite_alarms=True, served_before=True)
    return deploy.deploy(context, audience, lambda _, __: None, image_uri=image, options=back)


def _versions_in_use(context: Context, name: str) -> set[int]:
    """The versions of a secret that stacks were deployed with: the same one would be no change."""
    cloudformation, found = context.aws.client("cloudformation"), set[int]()
    for node in context.stacks.values():
        named = {references.named(one, context.names) for one in node.template.references}
        current = context.current(node) if name in named else None
        if current is not None and not current.status.in_review:
            body = cloudformation.get_template(StackName=current.stack_id, TemplateStage="Original")
            text = str(body["TemplateBody"])
            found |= {int(version) for version in references.versions_in(text, name, context.names)}
    return found
