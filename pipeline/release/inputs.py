"""Before a deploy touches anything: whether everything is there that its stacks read from SSM."""

from collections.abc import Mapping

from pipeline.aws.parameters import ParameterVersions
from pipeline.cloudformation.stacks import StackDescription
from pipeline.context import Context


def must_be_there(
    context: Context, versions: ParameterVersions, there: Mapping[str, StackDescription | None]
) -> None:
    """Raises MissingInputError for a secret that is gone, or a name that nobody declared.

    there: every stack as it is. A name that only this deploy tells is looked at in its stack's turn.
    """
    outside, promised = context.outside(versions), context.promised
    outputs = {name: current.outputs for name, current in there.items() if current is not None}
    for name, node in context.stacks.items():
        outside.needs(context.spec(node, node.known(outputs)), there[name], promised)
