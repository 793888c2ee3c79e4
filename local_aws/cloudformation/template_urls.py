"""Where a TemplateURL leads: an object in S3, in any style of address.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
MiniStack reads the path style only.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from local_aws.emulator.registry import Registry

_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9][a-z0-9.-]+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.(?:com|com\.cn|eu)"
)


def object_of(url: str) -> tuple[str, str] | None:
    """Bucket and key that an address names, or None where it is none of S3's.

    A host of this machine counts as path style: it is the local AWS's own S3.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.lstrip("/"))
    host = _HOST.fullmatch(parts.hostname or "")
    if host is None and parts.hostname not in ("localhost", "127.0.0.1"):
        return None
    if host is not None and host["bucket"]:
        return (host["bucket"], path) if path else None
    bucket, _, key = path.partition("/")
    return (bucket, key) if bucket and key else None


def register(registry: Registry) -> None:
    """Let CloudFormation read every style, and refuse what is no address of S3's, as AWS does."""
    shipped = registry.store("cloudformation.helpers", "_resolve_document")
    error = registry.store("cloudformation.helpers", "_error")

    def resolve(params: Mapping[str, Any], body_key: str, url_key: str, label: str) -> Any:
        url = (params.get(url_key) or [""])[0] if not params.get(body_key) else ""
        if not url:
            return shipped(params, body_key, url_key, label)
        found = object_of(url)
        if found is None:
            return None, error("ValidationError", f"{url_key} must be a supported URL.")
        return shipped(
            {**params, url_key: [f"https://s3.amazonaws.com/{'/'.join(found)}"]}, body_key, url_key, label
        )

    registry.replace("cloudformation.helpers", "_resolve_document", resolve)
