"""The image that somebody names for a release must be in the account's repository."""

from pipeline.context import Context
from pipeline.errors import ImageError
from pipeline.image import registry


def must_exist(context: Context, image_uri: str) -> str:
    """The version of the image `image_uri`. Raises ImageError where it can't be released; touches nothing."""
    registry.split(image_uri)
    repository = context.repository_uri()
    if repository is None:
        raise ImageError(
            "there is no image repository in this account yet",
            why="--image names an image that must be in that repository",
            next_step="deploy once without --image",
        )
    return registry.must_exist(context.aws.client("ecr"), repository, image_uri)
