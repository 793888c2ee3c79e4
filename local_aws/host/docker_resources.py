"""The network, containers and volumes of one checkout, found by label."""

from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from local_aws.checkout import KIND_LABEL, Checkout, is_remembered
from local_aws.host import docker_engine
from pipeline.errors import DockerError

CONTAINERS = {"all": True, "ignore_removed": True}
"""Lists stopped containers too. A container that is removed during the listing is no error."""


def ensure_network(client: docker.DockerClient, checkout: Checkout) -> None:
    """Make the checkout's Docker network unless it exists. Raises DockerError when Docker cannot make it."""
    try:
        client.networks.get(checkout.network)
    except NotFound:
        labels = checkout.labels("network")
        try:
            client.networks.create(checkout.network, driver="bridge", labels=labels, check_duplicate=True)
        except APIError as error:
            raise DockerError(
                f"the network {checkout.network} could not be made",
                why=error.explanation or str(error),
                next_step="docker network prune frees the addresses of networks that nobody uses; "
                "after a change of the firewall, restart Docker",
            ) from error


def start_stopped_databases(
    client: docker.DockerClient, checkout: Checkout, log: Callable[[str], None]
) -> None:
    """Start each stopped database, as RDS recovers an instance.

    Raises DockerError when a database does not start.
    """
    for container in labelled(client.containers, checkout, **CONTAINERS):
        # "created": the server process ended before it started the container.
        if container.labels.get(KIND_LABEL) == "database" and container.status in ("exited", "created"):
            log(f"starting the stopped {container.name}")
            try:
                container.start()
            except APIError as error:
                raise DockerError(
                    f"{container.name} could not be started",
                    why=error.explanation or str(error),
                    next_step=f"docker logs {container.name}; or start over: make down up",
                ) from error


def remove_docker_resources(checkout: Checkout, log: Callable[[str], None]) -> None:
    """Remove every container, then network, then volume of the checkout.

    Raises DockerError when one stays. On a machine without Docker, there is nothing to remove if `up` never
    ran.
    """
    try:
        client = docker_engine.connect()
    except DockerError:
        if not is_remembered(checkout):
            return
        client = docker_engine.ensure_engine(log)
    kinds: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
        ("container", client.containers, CONTAINERS, {"force": True, "v": True}),
        ("network", client.networks, {}, {}),
        ("volume", client.volumes, {}, {"force": True}),
    ]
    for kind, collection, listing, removing in kinds:
        found = labelled(collection, checkout, **listing)
        if found:
            log(f"removing {len(found)} {kind}{'s' if len(found) > 1 else ''}")
        for thing in found:
            try:
                thing.remove(**removing)
            except NotFound:
                continue
            except APIError as error:
                # 409: another program is removing it at this moment.
                if error.status_code != 409:
                    raise DockerError(
                        f"{kind} {thing.name} could not be removed",
                        why=error.explanation or str(error),
                        next_step="python -m pipeline local down once more",
                    ) from error


def labelled(collection: Any, checkout: Checkout, **listing: Any) -> list[Any]:
    """The containers, networks or volumes of the checkout in a collection of the Docker SDK."""
    try:
        return list(collection.list(filters={"label": checkout.label_filter}, **listing))
    except (DockerException, OSError) as error:
        raise DockerError(
            "the Docker engine gave no list", why=str(error), next_step="run it again"
        ) from error
