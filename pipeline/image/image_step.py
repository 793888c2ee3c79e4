"""The image's node of the graph: finds the image by the tag of its content, else builds and pushes it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.context import Context
from pipeline.errors import DockerError, full_disk
from pipeline.graph import graph
from pipeline.graph.runner import Result
from pipeline.image import build, git, registry

_CA_VARIABLES = ("SLIPWAY_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

_ARCHITECTURE = "CpuArchitecture"
_PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}

BaseImage = Callable[[Any, Callable[[str], None]], str | None]
"""Is given a Docker client (Any: the Docker SDK has no types) and a log; gives the base image to build on
where no registry answers, else None.
"""


def named_base_image(environment: Mapping[str, str] = os.environ) -> str | None:
    """SLIPWAY_BASE_IMAGE: a base image that somebody chose. It is part of the content that gives the tag."""
    return environment.get("SLIPWAY_BASE_IMAGE") or None


def platform(context: Context) -> str | None:
    """The platform of the tasks that run the image, by CpuArchitecture of their template. None for the Docker
    engine's own platform: in a rehearsal, and where no template has that parameter.
    """
    for node in context.stacks.values():
        if graph.IMAGE_GIVES in node.wired and _ARCHITECTURE in node.given:
            return None if context.aws.on_this_machine else _PLATFORMS.get(node.given[_ARCHITECTURE])
    return None


def tag_of(context: Context) -> str:
    """The tag of the image of app/ as it is now."""
    return build.content_tag(context.project.app, named_base_image(), platform(context))


def work(context: Context, repository_uri: str, log: Callable[[str], None], base_image: BaseImage) -> Result:
    """Find the image of app/ in the repository, else build and push it. Raises ImageError or DockerError."""
    ecr = context.aws.client("ecr")
    tag = tag_of(context)
    digest = registry.digest_of(ecr, repository_uri, tag)
    word = "unchanged"
    if digest is None:
        client = docker_client()
        log(f"building version {tag}")
        arguments = {"SERVICE_VERSION": tag, "SERVICE_COMMIT": git.commit(context.project.app, log)}
        base = named_base_image() or base_image(client, log)
        if base is not None:
            arguments["BASE_IMAGE"] = base
        arguments.update({name: os.environ[name] for name in _PROXY_VARIABLES if name in os.environ})
        with _engine_at_work():
            image_id = build.build(
                client.api,
                context.project.app,
                name=f"slipway/{context.project.service}:{tag}",
                build_args=arguments,
                ca_bundle=ca_bundle(),
                platform=platform(context),
                log=log,
            )
            log(f"pushing {repository_uri}:{tag}")
            digest = registry.push(client.api, ecr, image_id, repository_uri, tag, log)
        word = "built"
    log(f"version {tag} is {digest}")
    return Result(word, {graph.IMAGE_GIVES: f"{repository_uri}@{digest}", "version": tag})


def docker_client() -> Any:
    """A client of the Docker engine. Raises DockerError where no engine answers."""
    import docker

    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except docker.errors.DockerException as error:
        raise DockerError(
            "the Docker engine does not answer",
            why=str(error),
            next_step="start Docker (https://docs.docker.com/engine/install/) and run the command again",
        ) from error
    return client


@contextmanager
def _engine_at_work() -> Iterator[None]:
    """Raises DockerError where the engine refuses something, or ends during a build or a push."""
    import docker
    import requests
    import urllib3

    try:
        yield
    # The Docker SDK reads a stream past requests, so that errors of urllib3 come through.
    except (
        docker.errors.DockerException,
        docker.errors.StreamParseError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
    ) as error:
        why = getattr(error, "explanation", None) or str(error)
        raise full_disk(why) or DockerError(
            "the Docker engine did not finish the image",
            why=why,
            next_step="check that Docker runs (docker info) and run the same command again",
        ) from error


def ca_bundle(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The CA bundle that pip needs inside the build, where a variable names an existing file."""
    for variable in _CA_VARIABLES:
        file = Path(environment.get(variable, ""))
        if file.is_file():
            return file
    return None
