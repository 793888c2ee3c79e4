"""Where an image comes from: GitHub's signed provenance, checked by GitHub's own `gh`.

https://cli.github.com/manual/gh_attestation_verify
gh asks the registry for the image's digest and needs ECR's token for that. gh gets the token in a Docker
configuration of its own: a file that nobody else can read, deleted afterwards.
"""

import base64
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.context import Context
from pipeline.errors import ImageError, UsageError
from pipeline.image import registry, released

WORKFLOW = ".github/workflows/deploy.yml"
BRANCH = "refs/heads/main"
"""Only this workflow's signature counts, and only of main: on a branch anybody could edit the workflow."""


def full_uri(context: Context, image: str) -> str:
    """`URI@sha256:...`, also for the digest alone. Only for the digest alone is AWS asked."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", image):
        return image
    return f"{context.repository_uri() or context.project.service}@{image}"


def verify(context: Context, image_uri: str, environment: Mapping[str, str] = os.environ) -> str:
    """The image's version. Raises ImageError unless this repository's deploy workflow built the image.

    Raises UsageError outside of a workflow or without gh. Nothing is touched.
    """
    repository = environment.get("GITHUB_REPOSITORY")
    if not repository:
        raise UsageError(
            "GITHUB_REPOSITORY is not set",
            why="that repository must have built the image; GitHub Actions sets the variable",
            next_step="set it to ORGANISATION/REPOSITORY, and GH_TOKEN to a token that may read attestations",
        )
    version = released.must_exist(context, image_uri)
    with tempfile.TemporaryDirectory(prefix="slipway-") as private:
        credentials = registry.credentials(context.aws.client("ecr"))
        _write_docker_configuration(Path(private), image_uri, credentials)
        done = _gh(image_uri, repository, {**environment, "DOCKER_CONFIG": private})
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ImageError(
            f"{image_uri} is not known to be built by {repository}",
            why=said[-1] if said else f"gh attestation verify ended with {done.returncode}",
            next_step=f"release an image that {WORKFLOW} built; its job summary names the image",
            details=said[-10:],
        )
    return version


def _gh(
    image_uri: str, repository: str, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    words = ["attestation", "verify", f"oci://{image_uri}", "--repo", repository]
    words += ["--signer-workflow", f"{repository}/{WORKFLOW}", "--source-ref", BRANCH]
    try:
        return subprocess.run(  # noqa: S603
            ["gh", *words],  # noqa: S607
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError(
            "gh is not installed",
            why="GitHub's own program checks the signature",
            next_step="install gh: https://cli.github.com",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ImageError(
            "gh did not answer within five minutes", why=str(error), next_step="run the same command again"
        ) from error


def _write_docker_configuration(directory: Path, image_uri: str, credentials: Mapping[str, str]) -> None:
    token = base64.b64encode(f"{credentials['username']}:{credentials['password']}".encode()).decode()
    file = directory / "config.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"auths": {image_uri.split("/", 1)[0]: {"auth": token}}}), encoding="utf-8")
