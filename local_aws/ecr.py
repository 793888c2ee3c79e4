"""Amazon ECR with a repository address on localhost, and with ECR's words for an image that is not there.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
"""

import base64
import json
import time
from typing import Any

from local_aws.emulator import ecr
from local_aws.emulator.registry import RefusedError, Registry, Response

TOKEN_SECONDS = 12 * 60 * 60


def register(registry: Registry) -> None:
    """Give repositories an address that `docker push` reaches. Let DescribeImages refuse unknown images."""
    host, account = registry.checkout.registry, registry.checkout.account
    ecr.repository_uris(lambda name: f"{host}/{name}")

    def authorization_token(_: dict[str, Any]) -> Response:
        token = base64.b64encode(b"AWS:local").decode()
        data = {
            "authorizationToken": token,
            "expiresAt": time.time() + TOKEN_SECONDS,
            "proxyEndpoint": f"http://{host}",
        }
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return 200, headers, json.dumps({"authorizationData": [data]}).encode()

    def describe_images(request: dict[str, Any]) -> Response:
        name = request.get("repositoryName", "")
        known = name in registry.records("AWS::ECR::Repository")
        for image_id in request.get("imageIds", []) if known else []:
            if ecr.manifest_of(name, image_id) is None:
                raise RefusedError("ImageNotFoundException", not_found(name, image_id, account))
        status, headers, body = shipped_describe(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for details in answer["imageDetails"]:
            manifest = ecr.manifest_of(name, {"imageDigest": details["imageDigest"]})
            details["imageSizeInBytes"] = size_of(manifest or {})
        return status, headers, json.dumps(answer).encode()

    shipped_describe = registry.shipped_operation("ecr", "DescribeImages")
    registry.operation("ecr", "DescribeImages", describe_images)
    registry.operation("ecr", "GetAuthorizationToken", authorization_token)


def not_found(repository: str, image_id: dict[str, str], account: str) -> str:
    """ECR's words for an image that is not in the repository."""
    digest, tag = (image_id.get(key) for key in ("imageDigest", "imageTag"))
    shown = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
    return (
        f"The image with imageId {shown} does not exist within the repository with name '{repository}' "
        f"in the registry with id '{account}'"
    )


def size_of(manifest: dict[str, Any]) -> int:
    """The size of an image in bytes: its configuration and its compressed layers."""
    parts = [manifest.get("config", {}), *manifest.get("layers", [])]
    return sum(int(part.get("size", 0)) for part in parts)
