"""The image repository in ECR: find by tag or digest, and push. Images are addressed by digest everywhere."""

import base64
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.aws.errors import Tolerated
from pipeline.errors import ImageError, full_disk

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient
    from types_boto3_ecr.type_defs import ImageDetailTypeDef, ImageIdentifierTypeDef

_REGION = re.compile(r"\.ecr\.([a-z0-9-]+)\.")
_PINNED = re.compile(r"(?P<repository>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")


class DockerPush(Protocol):
    """What a push asks of docker.APIClient, which has no types. Docker answers in lines of JSON."""

    def tag(self, image: str, repository: str, tag: str) -> bool: ...

    def push(self, repository: str, **request: object) -> Iterable[dict[str, Any]]: ...


def digest_of(ecr: "ECRClient", repository_uri: str, tag: str) -> str | None:
    """The digest that carries `tag`, or None."""
    details = _describe(ecr, repository_uri, {"imageTag": tag})
    return details["imageDigest"] if details else None


def version_of(ecr: "ECRClient", repository_uri: str, digest: str) -> str | None:
    """The version of a digest, which is its tag in ECR; None where ECR has no such tag or digest."""
    details = _describe(ecr, repository_uri, {"imageDigest": digest})
    tags = details.get("imageTags", []) if details else []
    return tags[0] if tags else None


def newest(ecr: "ECRClient", repository_uri: str) -> str | None:
    """The digest of the tagged image that was pushed last, or None where there is none."""
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=repository_name(repository_uri), filter={"tagStatus": "TAGGED"}
    )
    found = (image for page in pages for image in page["imageDetails"])
    last = max(found, key=lambda one: one["imagePushedAt"], default=None)
    return last["imageDigest"] if last else None


def split(image_uri: str) -> tuple[str, str]:
    """`repository@sha256:...` in its two parts. Raises ImageError where no digest pins the image."""
    match = _PINNED.fullmatch(image_uri)
    if match is None:
        raise ImageError(
            f"{image_uri!r} does not name an image by its digest",
            why="a tag could be moved between the test and the release",
            next_step="give it as URI@sha256:<64 hex digits>; `status` of the other environment prints it",
        )
    return match["repository"], match["digest"]


def must_exist(ecr: "ECRClient", repository_uri: str, image_uri: str) -> str:
    """The version of an image that somebody asked to release.

    Raises ImageError where the image is not in this account's repository, or is not kept there.
    """
    repository, digest = split(image_uri)
    if repository != repository_uri:
        raise ImageError(
            f"{image_uri} is not in this environment's repository",
            why=f"this environment releases from {repository_uri}",
            next_step="copy the image to that repository first, or name an image that is in it",
        )
    details = _describe(ecr, repository_uri, {"imageDigest": digest})
    region = _REGION.search(repository_uri)
    name = f"--repository-name {repository_name(repository_uri)}"
    name += f" --region {region[1]}" if region else ""
    if details is None:
        raise ImageError(
            f"ECR has no image {image_uri}",
            why="the image was never pushed, or has been deleted",
            next_step=f"list the images there are: aws ecr describe-images {name}",
        )
    tags = details.get("imageTags", [])
    if not tags:
        manifest = f"aws ecr batch-get-image {name} --image-ids imageDigest={digest}"
        manifest += " --query 'images[0].imageManifest' --output text"
        raise ImageError(
            f"{image_uri} has no tag",
            why="ECR deletes untagged images after two weeks, and ECS could then start no task from this one",
            next_step="tag the image with the version that it answers with (X-Service-Version): "
            f'aws ecr put-image {name} --image-tag VERSION --image-manifest "$({manifest})"',
        )
    return tags[0]


def push(
    docker: DockerPush,
    ecr: "ECRClient",
    image: str,
    repository_uri: str,
    tag: str,
    log: Callable[[str], None],
) -> str:
    """Push a local image as repository:tag and return its digest; ~/.docker/config.json is left alone.

    Tags are immutable: of two pushes of one tag ECR refuses the second. Then the image of the first push is
    taken, which was built from the same content. Raises ImageError with ECR's words, or DockerError on a
    full disk.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """
    docker.tag(image, repository_uri, tag)
    digest, refusal = "", ""
    seen: set[str] = set()
    login = credentials(ecr)
    for answer in docker.push(repository_uri, tag=tag, stream=True, decode=True, auth_config=login):
        if "error" in answer:
            refusal = str(answer["error"]).strip()
            break
        digest = answer.get("aux", {}).get("Digest", digest)
        status, layer = str(answer.get("status", "")), str(answer.get("id", ""))
        if layer and status in ("Pushed", "Layer already exists") and layer not in seen:
            seen.add(layer)
            log(f"layer {layer}: {status.lower()}")
    if digest and not refusal:
        return digest
    pushed = digest_of(ecr, repository_uri, tag)
    if pushed is not None:
        log(f"another run has pushed {tag} meanwhile: taking that image")
        return pushed
    raise full_disk(refusal) or ImageError(
        "the image could not be pushed",
        why=refusal or "the push gave no digest",
        next_step="run the same command again",
    )


def repository_name(repository_uri: str) -> str:
    """`orders` of `123456789012.dkr.ecr.eu-west-1.amazonaws.com/orders`."""
    return repository_uri.split("/", 1)[1]


def _describe(
    ecr: "ECRClient", repository_uri: str, image_id: "ImageIdentifierTypeDef"
) -> "ImageDetailTypeDef | None":
    with Tolerated("ImageNotFoundException", "RepositoryNotFoundException"):
        found = ecr.describe_images(repositoryName=repository_name(repository_uri), imageIds=[image_id])
        return next(iter(found["imageDetails"]), None)
    return None


def credentials(ecr: "ECRClient") -> dict[str, str]:
    """Username and password for the registry, valid for twelve hours.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
    """
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    return {"username": user, "password": password}
