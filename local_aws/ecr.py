"""Amazon ECR as one can push to it from here: at localhost, and with ECR's words for what is not there."""

import base64
import json
from typing import Any

from local_aws.emulator.registry import Registry, Response

TOKEN_SECONDS = 12 * 60 * 60


def register(registry: Registry) -> None:
    """Give repositories an address that `docker push` reaches, and let DescribeImages tell the truth."""
    host, account = registry.settings.registry, registry.settings.account
    responses = registry.store("ecr", "json_response")
    error = registry.store("ecr", "error_response_json")
    find = registry.store("ecr", "_find_image")
    registry.replace("ecr", "_repo_uri", lambda name: f"{host}/{name}")

    def authorization_token(_: dict[str, Any]) -> Response:
        token = base64.b64encode(b"AWS:local").decode()
        now = registry.store("ecr", "time").time()
        answer: Response = responses(
            {
                "authorizationData": [
                    {
                        "authorizationToken": token,
                        "expiresAt": now + TOKEN_SECONDS,
                        "proxyEndpoint": f"http://{host}",
                    }
                ]
            }
        )
        return answer

    def describe_images(request: dict[str, Any]) -> Response:
        name = request.get("repositoryName", "")
        known = name in registry.store("ecr", "_repositories")
        for image_id in request.get("imageIds", []) if known else []:
            if find(name, image_id) is None:
                refused: Response = error("ImageNotFoundException", not_found(name, image_id, account), 400)
                return refused
        status, headers, body = shipped_describe(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for details in answer["imageDetails"]:
            manifest = find(name, {"imageDigest": details["imageDigest"]})["imageManifest"]
            details["imageSizeInBytes"] = size_of(json.loads(manifest))
        return status, headers, json.dumps(answer).encode()

    registry.replace("ecr", "_get_authorization_token", authorization_token)
    shipped_describe = registry.replace("ecr", "_describe_images", describe_images)


def not_found(repository: str, image_id: dict[str, str], account: str) -> str:
    """ECR's words for an image that is not in the repository."""
    digest, tag = (image_id.get(key) for key in ("imageDigest", "imageTag"))
    shown = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
    return (
        f"The image with imageId {shown} does not exist within the repository with name '{repository}' "
        f"in the registry with id '{account}'"
    )


def size_of(manifest: dict[str, Any]) -> int:
    """Bytes of an image: its configuration and its compressed layers."""
    parts = [manifest.get("config", {}), *manifest.get("layers", [])]
    return sum(int(part.get("size", 0)) for part in parts)
