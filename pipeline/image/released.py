"""An image that somebody names for a release: it must be in the account's repository."""

from pipeline.context import Setting
from pipeline.errors import ImageError
from pipeline.graph import graph
from pipeline.image import registry


def must_exist(setting: Setting, image_uri: str) -> str:
    """The version of the image somebody named. Raises ImageError before anything is touched."""
    registry.split(image_uri)
    node = setting.repository_node
    live = setting.live(node) if node is not None else None
    if live is None or graph.IMAGE_NEEDS not in live.outputs:
        raise ImageError(
            "there is no image repository in this account yet",
            why="so it can't hold the image that --image names",
            next_step="deploy once without --image",
        )
    return registry.must_exist(setting.aws.client("ecr"), live.outputs[graph.IMAGE_NEEDS], image_uri)
