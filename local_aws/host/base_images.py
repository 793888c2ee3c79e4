"""The base images: Python for the service, a database for RDS.

If an image registry answers, Docker pulls a base image. If none answers, mmdebstrap builds the base image
from the packages of the machine's own Debian or Ubuntu; the image stays until its recipe changes. `python -m
local_aws.host.base_images` makes both base images and prints their names.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from local_aws.host.distribution import Distribution, install_packages, this_distribution
from local_aws.host.image_recipes import DATABASE, PYTHON, Recipe, mmdebstrap_command
from local_aws.host.locks import alone_on_this_machine
from pipeline.errors import DockerError, full_disk
from pipeline.image import docker_credentials

PYTHON_FROM_REGISTRY = "python:3.13-slim-bookworm"
DATABASE_FROM_REGISTRY = "mysql:8.4"
RECIPE_LABEL = "slipway.recipe"
REGISTRY_SECONDS = 5


@dataclass(frozen=True)
class BaseImages:
    """python: the service image's BASE_IMAGE, None when the Dockerfile's own default can be pulled.
    database: the image that stands for RDS for MySQL.
    """

    python: str | None
    database: str


def base_images(client: docker.DockerClient, log: Callable[[str], None]) -> BaseImages:
    """Pull or build the base images that are missing, and name both.

    Raises DockerError when neither a registry nor the distribution's packages can give an image.
    """
    python, database = _have(client, {PYTHON_FROM_REGISTRY: PYTHON, DATABASE_FROM_REGISTRY: DATABASE}, log)
    return BaseImages(None if python == PYTHON_FROM_REGISTRY else python, database)


def base_image(client: docker.DockerClient, log: Callable[[str], None]) -> str:
    """The name of the Python base image, for a container that needs no Python. Raises DockerError."""
    (image,) = _have(client, {PYTHON_FROM_REGISTRY: PYTHON}, log)
    return image


def python_image(client: docker.DockerClient, log: Callable[[str], None], dockerfile: Path) -> str | None:
    """The Python base image, None when the image that this Dockerfile names is there. Raises DockerError."""
    named = re.search(r"^ARG BASE_IMAGE=(\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    default = named[1] if named else PYTHON_FROM_REGISTRY
    (image,) = _have(client, {default: PYTHON}, log)
    return None if image == default else image


def database_image(client: docker.DockerClient, log: Callable[[str], None], kept: str = "") -> str:
    """The database image. Raises DockerError.

    kept: the image that a volume was made with, because MySQL and MariaDB cannot read each other's volumes.
    """
    if not kept:
        (image,) = _have(client, {DATABASE_FROM_REGISTRY: DATABASE}, log)
        return image
    if _has(client, kept):
        return kept
    if kept != DATABASE_FROM_REGISTRY:
        distribution = this_distribution()
        with alone_on_this_machine("base-images", log):
            _build_missing(client, [DATABASE], distribution, log)
        return DATABASE.tag(distribution.suite)
    _pull(client, kept, log)
    return kept


def _have(client: docker.DockerClient, wanted: Mapping[str, Recipe], log: Callable[[str], None]) -> list[str]:
    """An image for each name in a registry: the image that is there, else pulled, else built."""
    distribution = this_distribution()

    def there(name: str) -> str | None:
        recipe = wanted[name]
        if _has(client, name):
            return name
        return recipe.tag(distribution.suite) if _is_made(client, recipe, distribution.suite) else None

    found = {name: there(name) for name in wanted}
    if not all(found.values()):
        with alone_on_this_machine("base-images", log):
            missing = [name for name in wanted if there(name) is None]
            if missing and registry_answers(missing[0]):
                for name in missing:
                    _pull(client, name, log)
            elif missing:
                _build_missing(client, [wanted[name] for name in missing], distribution, log)
            found = {name: there(name) for name in wanted}
    return [found[name] or name for name in wanted]


def _pull(client: docker.DockerClient, name: str, log: Callable[[str], None]) -> None:
    log(f"pulling {name}")
    try:
        with docker_credentials.failures_told():
            client.images.pull(name)
    except APIError as error:
        raise image_error(f"{name} could not be pulled", error) from error


def registry_answers(image: str = DATABASE_FROM_REGISTRY) -> bool:
    """Whether the Docker engine itself (its mirrors, its proxy) finds an image within a few seconds."""
    asking = docker.from_env(timeout=REGISTRY_SECONDS)
    try:
        with docker_credentials.failures_told():
            asking.images.get_registry_data(image)
    except (DockerException, OSError):
        return False
    finally:
        asking.close()
    return True


def image_error(what: str, error: Exception) -> DockerError:
    """The error as a DockerError, which names a full disk."""
    why = getattr(error, "explanation", None) or str(error)
    return full_disk(why) or DockerError(
        what, why=why.strip(), next_step="run it again; if it stays, docker system df may tell why"
    )


def _build_missing(
    client: docker.DockerClient,
    recipes: Sequence[Recipe],
    distribution: Distribution,
    log: Callable[[str], None],
) -> None:
    missing = [recipe for recipe in recipes if not _is_made(client, recipe, distribution.suite)]
    if not missing:
        return
    if not distribution.has_packages:
        raise DockerError(
            "no image registry answers, and base images cannot be built here",
            why="that needs Debian or Ubuntu",
            next_step=f"give Docker access to a registry, or load one: docker pull {DATABASE_FROM_REGISTRY}",
        )
    if shutil.which("mmdebstrap") is None:
        install_packages(["mmdebstrap"], log)
    names = " and ".join(recipe.tag(distribution.suite) for recipe in missing)
    log(f"no image registry answers: building {names} from {distribution.suite} packages (half a minute)")
    with ThreadPoolExecutor(len(missing)) as pool:
        for name in pool.map(lambda recipe: _build(client, recipe, distribution), missing):
            log(f"built {name}")


def _build(client: docker.DockerClient, recipe: Recipe, distribution: Distribution) -> str:
    tag = recipe.tag(distribution.suite)
    with tempfile.TemporaryDirectory(prefix="slipway-") as directory:
        archive = Path(directory) / "root.tar"
        command = mmdebstrap_command(recipe, distribution, Path(directory), archive)
        done = subprocess.run(  # noqa: S603 - a list of our own making
            command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        if done.returncode != 0:
            raise image_error(f"{tag} could not be built with mmdebstrap", RuntimeError(_errors(done.stderr)))
        label = f"LABEL {RECIPE_LABEL}={recipe.fingerprint(distribution.suite)}"
        try:
            client.api.import_image_from_file(
                str(archive),
                repository=recipe.repository,
                tag=distribution.suite,
                changes=[*recipe.changes, label],
            )
            client.images.get(tag)
        except (DockerException, OSError) as error:
            raise image_error(f"{tag} could not be imported", error) from error
    return tag


def _errors(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(("E:", "W:")) or "No space" in line]
    return "\n".join(lines[-5:] or output.splitlines()[-5:])


def _is_made(client: docker.DockerClient, recipe: Recipe, suite: str) -> bool:
    labels = _labels(client, recipe.tag(suite)) or {}
    return labels.get(RECIPE_LABEL) == recipe.fingerprint(suite)


def _has(client: docker.DockerClient, name: str) -> bool:
    return _labels(client, name) is not None


def _labels(client: docker.DockerClient, name: str) -> dict[str, str] | None:
    try:
        return dict(client.images.get(name).labels)
    except ImageNotFound:
        return None


def main() -> None:
    images = base_images(docker.from_env(), print)
    print(f"python: {images.python or 'from the registry'}\ndatabase: {images.database}")


if __name__ == "__main__":
    main()
