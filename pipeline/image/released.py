"""An image that somebody names for a release: it must be in the account's repository."""

from pipeline.context import Context
from pipeline.errors import ImageError
from pipeline.image import registry


def must_exist(context: Context, image_uri: str) -> str:
    """The version of the image somebody named. Raises ImageError before anything is touched."""
    registry.split(image_uri)
    repository = context.repository_uri()
    if repository is None:
        raise ImageError(
            "there is no image repository in this account yet",
            why="so it can't hold the image that --image names",
            next_step="deploy once without --image",
        )
    return registry.must_exist(context.aws.client("ecr"), repository, image_uri)
