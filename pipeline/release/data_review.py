"""Before a deploy touches anything: what was named is there, and no data would be lost that was not named.

Each stack's own change set is judged once more, right before it is executed: what the stacks before it gave
may be new by then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipeline.cloudformation import data_loss, resources
from pipeline.cloudformation.data_loss import Loss
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.cloudformation.stacks import Log, StackDescription
from pipeline.config.environment import did_you_mean
from pipeline.context import Context
from pipeline.errors import SlipwayError, UsageError
from pipeline.graph import graph
from pipeline.inspect import plan
from pipeline.inspect.plan_change_sets import PlanChangeSets

Stacks = Mapping[str, StackDescription | None]


def must_exist(context: Context, named: Iterable[str], left_alone: frozenset[str]) -> None:
    """Raises UsageError for a name that is no resource of a stack, neither of its template nor as it is.

    left_alone: the stacks that this deploy does not change.
    """
    for name in sorted(named):
        stack, _, logical_id = name.partition("/")
        if stack in left_alone:
            raise UsageError(
                f"--replace {name} can't be done now",
                why=f"with an image named, the stack of infra/{stack}.yaml is left alone",
                next_step="run the command again without --image",
            )
        node = context.stacks.get(stack)
        if node is not None and (
            logical_id in node.template.resources
            or logical_id
            in resources.read(context.aws.client("cloudformation"), context.stack_name(node)).types
        ):
            continue
        every = [
            f"{each.name}/{one.logical_id}"
            for each in context.stacks.values()
            for one in each.template.resources.values()
            if one.holds_data
        ]
        raise UsageError(
            f"--replace {name} names no resource of a stack{did_you_mean(name, every)}",
            why=f"what holds data here is {', '.join(every) or 'nothing'}",
            next_step="write STACK/RESOURCE: the template's file without .yaml, and the logical id",
        )


@dataclass(frozen=True)
class DataReview:
    """Looks at what a deploy would change. named: what holds data and is meant to be replaced or removed."""

    context: Context
    fingerprints: DeployedFingerprints
    log: Log
    named: frozenset[str]

    def refuse_losses(self, there: Stacks, left_alone: frozenset[str], image_uri: str | None) -> None:
        """Raises DataLossError where data would be lost that was not named; says what was named in vain.

        there: every stack as it is. Where `app/` alone was changed no change set is made: the stacks are as
        they were left.
        """
        losses = self._losses(there, left_alone, image_uri)
        data_loss.refuse(losses, self.context.named(self.named))
        for name in sorted(self.named - {loss.name for loss in losses}):
            self.log(f"{name} was named by --replace, and nothing replaces or removes it now")

    def _losses(self, there: Stacks, left_alone: frozenset[str], image_uri: str | None) -> list[Loss]:
        context, previews, losses = self.context, PlanChangeSets(self.context), list[Loss]()
        outputs = {name: current.outputs for name, current in there.items() if current is not None}
        in_use = [current.parameters.get(graph.IMAGE_GIVES) for current in there.values() if current]
        # Which image it is makes no difference to the data.
        image = image_uri or next(filter(None, in_use), None)
        outputs[graph.IMAGE] = {graph.IMAGE_GIVES: image} if image else {}
        for name, node in context.stacks.items():
            current = there[name]
            if current is None or name in left_alone:
                continue
            try:
                planned = plan.of_stack(
                    context, node, current, outputs, self.log, self.fingerprints, previews
                )
            except (SlipwayError, ClientError):
                continue  # It comes up again when it is the stack's turn, and is told as the stack's.
            losses += planned.plan.losses
        return losses
