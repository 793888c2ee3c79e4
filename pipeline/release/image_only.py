"""The image alone: the stack of its repository, the image, and nothing that belongs to an environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.aws import errors
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.config.environment import PLACEHOLDER_ACCOUNT, Environment
from pipeline.context import Context
from pipeline.errors import ImageError, TemplateError
from pipeline.graph import graph, runner
from pipeline.graph.runner import Outcome, Result
from pipeline.image import image_step, registry
from pipeline.release.deploy import Audience
from pipeline.release.stack_step import StackStep


@dataclass(frozen=True)
class Built:
    """The image in the repository, by digest. word: `built`, or `unchanged` where it was there already."""

    image: str
    version: str
    word: str

    @property
    def name(self) -> str:
        """The URI without the digest."""
        return registry.split(self.image)[0]

    @property
    def digest(self) -> str:
        """`sha256:...`"""
        return registry.split(self.image)[1]


def image_of(
    context: Context, audience: Audience, base_image: image_step.BaseImage, *, leave_stacks: bool = False
) -> Built:
    """Find or make the image of app/, and before that the stack of its repository. leave_stacks: that stack
    is left as it is, if it is there.

    No lock is taken: environments that share the repository may do so at once, and while a deploy runs.
    Raises the error of the stack or of the image, and TemplateError where no template needs an image.
    """
    context.guard_account()
    if graph.IMAGE not in context.nodes:
        raise TemplateError(
            "no template asks for an image",
            why=f"no template has the parameter {graph.IMAGE_GIVES}",
            next_step="there is nothing to build",
        )
    names = *graph.needed_for(context.nodes, graph.IMAGE), graph.IMAGE
    needs = {name: context.nodes[name].needs for name in names}
    # The account's own: only a command that holds the environment's lock writes the environment's.
    memory = f"/slipway/{context.project.service}/deployed"
    fingerprints = DeployedFingerprints(context.aws.client("ssm"), memory)

    def image(outputs: Mapping[str, Mapping[str, str]]) -> Result:
        repository = context.nodes[graph.IMAGE].inputs(outputs)[graph.IMAGE_NEEDS]
        return image_step.work(context, repository, audience.log(graph.IMAGE), base_image)

    steps: dict[str, runner.Step] = {graph.IMAGE: image}
    for name in needs.keys() - steps.keys():
        step = StackStep(context, context.stacks[name], audience.log(name), fingerprints)
        steps[name] = step.run_unless_there if leave_stacks else step.run
    try:
        outcomes = runner.run(needs, steps, audience, clock=context.clock)
    finally:
        fingerprints.save(audience.log("fingerprints"))
    return _built(outcomes)


def must_share(builder: Environment, other: Environment) -> None:
    """Raises ImageError where an image that `builder` pushes is not in the repository of `other`.

    An environment file with the placeholder account is not compared: nothing is released there yet.
    """
    if other.account == PLACEHOLDER_ACCOUNT != builder.account:
        return
    if (builder.account, builder.region) != (other.account, other.region):
        raise ImageError(
            f"{other.name} can't release what {builder.name} builds",
            why=f"images are pushed to {builder.account} in {builder.region}, and {other.name} runs in "
            f"{other.account} in {other.region}, which has a repository of its own",
            next_step="docs/decisions/2026-11-23-promotion.md says what there is to choose",
        )


def _built(outcomes: Mapping[str, Outcome]) -> Built:
    failure = errors.first_failure(runner.errors(outcomes))
    if failure is not None:
        raise failure
    result = outcomes[graph.IMAGE].result
    if result is None:
        raise ValueError("an image that did not fail has a result")
    return Built(result.outputs[graph.IMAGE_GIVES], result.outputs["version"], result.word)
