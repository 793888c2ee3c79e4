"""Hooks into ECR: repository URIs and images."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.emulator import internals


def repository_uris(uri_of: Callable[[str], str]) -> None:
    """Give each repository the URI uri_of(its name)."""
    internals.replace("ecr", "_repo_uri", lambda _: uri_of)


def manifest_of(repository: str, image_id: Mapping[str, str]) -> dict[str, Any] | None:
    """The manifest of an image by imageDigest or imageTag, None when the repository has no such image."""
    image = internals.get("ecr", "_find_image")(repository, image_id)
    return None if image is None else json.loads(image["imageManifest"])
