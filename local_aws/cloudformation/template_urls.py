"""The object in S3 that a TemplateURL names, in any style of address.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

import re
from urllib.parse import unquote, urlsplit

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import Registry

_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9][a-z0-9.-]+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.(?:com|com\.cn|eu)"
)


def object_of(url: str) -> tuple[str, str] | None:
    """The bucket and key that an address names, None when the address is not one of S3's.

    A host of this machine counts as path style, because the local AWS's own S3 answers there.
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


def register(_: Registry) -> None:
    """Let CloudFormation read every style of address, and refuse an address that is not one of S3's."""
    engine.locate_documents(object_of)
