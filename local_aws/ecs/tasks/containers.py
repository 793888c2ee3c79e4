"""The containers of tasks in Docker. No other module of this package talks to Docker.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
"""

import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from local_aws.checkout import KIND_LABEL, Checkout
from local_aws.ecs.tasks.changes import Changes
from local_aws.ecs.tasks.container_options import container_options
from local_aws.host.base_images import base_image
from local_aws.host.docker_resources import ensure_network
from local_aws.shapes import ContainerDefinition

TASK_KIND = "task"
REGISTRY_LOGIN = {"username": "AWS", "password": "local"}


class ContainerError(Exception):
    """A container could not be made or started; the message is AWS's for it."""


@dataclass(frozen=True)
class Seen:
    """What Docker says of a container: running, its exit code once it ended, its health check's verdict."""

    running: bool
    exit_code: int | None = None
    health: str = "UNKNOWN"
    out_of_memory: bool = False


class Containers:
    """The containers of one checkout's tasks. `changes` counts whenever one of them ends or turns healthy."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._base_image = ""
        self.changes = Changes()

    @cached_property
    def _client(self) -> docker.DockerClient:
        # docker.from_env() asks the engine for its version, so a client is made only when a task needs one.
        return docker.from_env(timeout=120, max_pool_size=64)

    def watch(self) -> None:
        """Follow Docker's events on a thread of its own, for as long as the process lives."""
        threading.Thread(target=self._watch, name="docker-events", daemon=True).start()

    def pull(self, image: str) -> None:
        """Have the image, from the local ECR when its name says so. Raises ContainerError in AWS's words."""
        try:
            if not image.startswith(f"{self._checkout.registry}/"):
                self._client.images.get(image)
                return
            name, at, digest = image.partition("@")
            # Whatever is given here keeps the SDK from asking a credential helper, which may not be there.
            self._client.images.pull(f"{name}{at}{digest}" if at else name, auth_config=REGISTRY_LOGIN)
        except (ImageNotFound, NotFound) as error:
            raise ContainerError(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                f"failed to resolve ref {image}: {image}: not found"
            ) from error
        except DockerException as error:
            raise ContainerError(
                f"CannotPullContainerError: pull image manifest has been retried 5 time(s): {_words(error)}"
            ) from error

    def start_network_holder(self, task_id: str) -> tuple[str, str]:
        """Start the container that holds a task's network; gives its id and the task's address.

        As on Fargate (awsvpc), all containers of a task share one network namespace and address. The holder
        keeps them while `migrate` has ended and `app` has not begun.
        """
        image = self._holder_image()
        ensure_network(self._client, self._checkout)
        network = self._checkout.network
        container = self._client.containers.create(
            image,
            entrypoint=["sleep", "infinity"],
            # The first process of a container ignores SIGTERM unless it handles SIGTERM.
            stop_signal="SIGKILL",
            name=self._checkout.name("task", task_id, "network"),
            labels=self._checkout.labels(TASK_KIND, task=task_id),
            network=network,
            hostname=f"ip-{task_id[:8]}",
            log_config={"type": "none"},
        )
        container.start()
        container.reload()
        address: str = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
        return container.id, address

    def start(
        self,
        task_id: str,
        definition: ContainerDefinition,
        environment: Mapping[str, str],
        network_holder: str,
        volumes: Sequence[str],
    ) -> str:
        """Start one container of a task; gives its id. Raises ContainerError in AWS's words."""
        name = definition["name"]
        names = self._volume_names(task_id, volumes)
        try:
            options = container_options(definition, names, self._declared(definition["image"]))
            container = self._client.containers.create(
                definition["image"],
                name=self._checkout.name("task", task_id, name),
                labels={
                    **(definition.get("dockerLabels") or {}),
                    **self._checkout.labels(TASK_KIND, task=task_id, container=name),
                },
                environment=dict(environment),
                network_mode=f"container:{network_holder}",
                log_config={"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}},
                **options,
            )
            container.start()
        except ImageNotFound as error:
            raise ContainerError(f"CannotPullContainerError: {_words(error)}") from error
        except DockerException as error:
            raise ContainerError(f"CannotStartContainerError: {_words(error)}") from error
        return str(container.id)

    def restart(self, container_id: str) -> None:
        """Start a container that has ended once more. Raises ContainerError in AWS's words."""
        try:
            self._client.api.start(container_id)
        except DockerException as error:
            raise ContainerError(f"CannotStartContainerError: {_words(error)}") from error

    def see(self, container_id: str) -> Seen | None:
        """How a container is, None when the engine does not say; one that was removed counts as killed."""
        try:
            state = self._client.api.inspect_container(container_id)["State"]
        except NotFound:
            return Seen(running=False, exit_code=137)
        except (DockerException, OSError):
            return None
        running = state["Status"] in ("created", "running", "paused", "restarting")
        health = (state.get("Health") or {}).get("Status", "")
        return Seen(
            running=running,
            exit_code=None if running else state["ExitCode"],
            health={"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}.get(health, "UNKNOWN"),
            out_of_memory=bool(state.get("OOMKilled")),
        )

    def passes(self, container_id: str, command: Sequence[str]) -> bool:
        """Run the command of an ECS health check in a container, once: whether it exits with 0."""
        kind, *words = command
        try:
            run = self._client.api.exec_create(
                container_id, ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words
            )
            self._client.api.exec_start(run["Id"])
            return bool(self._client.api.exec_inspect(run["Id"])["ExitCode"] == 0)
        except (DockerException, OSError):
            return False

    def stop(self, container_id: str, timeout: int) -> None:
        """SIGTERM, and SIGKILL after `timeout` seconds; returns when it has ended."""
        try:
            self._client.api.stop(container_id, timeout=timeout)
        except NotFound:
            return
        except APIError:
            self._client.api.kill(container_id)

    def remove_task(self, task_id: str) -> bool:
        """Remove what is left of a task: containers, then its volumes. False: try it again later."""
        try:
            return self._remove({"label": [self._checkout.label_filter, f"slipway.task={task_id}"]})
        except (DockerException, OSError):
            return False

    def remove_all_tasks(self) -> None:
        """Remove every task of this checkout: those that outlived an earlier server."""
        self._remove({"label": [self._checkout.label_filter, f"{KIND_LABEL}={TASK_KIND}"]})

    def lines(self, container_id: str, since: float) -> Iterable[bytes]:
        """Raw output of a container as it comes, each piece beginning with its time, until it ends.

        since: seconds since 1970; what a container said before it was started again is not said twice.
        """
        pieces: Iterable[bytes] = self._client.api.logs(
            container_id, stream=True, follow=True, timestamps=True, since=since
        )
        return pieces

    def _remove(self, filters: dict[str, Any]) -> bool:
        whole = True
        for container in self._client.containers.list(all=True, filters=filters, ignore_removed=True):
            whole &= _is_gone(container, force=True, v=True)
        for volume in self._client.volumes.list(filters=filters):
            whole &= _is_gone(volume)
        return whole

    def _declared(self, image: str) -> Container[str]:
        """The paths that the image declares as VOLUME."""
        declared: Container[str] = self._client.images.get(image).attrs["Config"].get("Volumes") or {}
        return declared

    def _volume_names(self, task_id: str, volumes: Sequence[str]) -> dict[str, str]:
        names = {}
        for volume in volumes:
            names[volume] = self._checkout.name("task", task_id, volume)
            self._client.volumes.create(names[volume], labels=self._checkout.labels(TASK_KIND, task=task_id))
        return names

    def _holder_image(self) -> str:
        if self._base_image:
            with suppress(ImageNotFound):
                self._client.images.get(self._base_image)
                return self._base_image
        self._base_image = base_image(self._client, print)
        return self._base_image

    def _watch(self) -> None:
        filters = {
            "label": [self._checkout.label_filter, f"{KIND_LABEL}={TASK_KIND}"],
            "event": ["die", "health_status", "oom"],
        }
        while True:
            try:
                # No read timeout: an idle stream is no error.
                for _ in docker.from_env(timeout=None).events(decode=True, filters=filters):
                    self.changes.tell()
            except (DockerException, OSError):
                threading.Event().wait(1)


def _is_gone(thing: Any, **how: Any) -> bool:
    try:
        thing.remove(**how)
    except NotFound:
        return True
    except APIError:
        return False
    return True


def _words(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)
