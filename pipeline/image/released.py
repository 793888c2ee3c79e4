"""The image that somebody names for a release must be in the account's repository."""

from pipeline.context import Context
from pipeline.errors import ImageError
from pipeline.graph import graph
from pipeline.image import registry


def must_exist(context: Context, image_uri: str) -> str:
    """The version of the image `image_uri`. Raises ImageError where it can't be released; touches nothing."""
    registry.split(image_uri)
    node = context.repository_node
    current = context.current(node) if node is not None else None
    if current is None or graph.IMAGE_NEEDS not in current.outputs:
        raise ImageError(
            "there is no image repository in this account yet",
            why="--image names an image that must be in that repository",
            next_step="deploy once without --image",
        )
    return registry.must_exist(context.aws.client("ecr"), current.outputs[graph.IMAGE_NEEDS], image_uri)
