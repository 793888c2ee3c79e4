"""Containers for the tests of the service: a database, the service itself, and how to ask it something."""

import contextlib
import io
import json
import os
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pymysql
import pytest
import requests
from docker.models.containers import Container
from orders.settings import Settings

from pipeline.image import build as image
from tests.support.ports import free_port

APP = Path(__file__).resolve().parents[2] / "app"
DATABASE, USER, PASSWORD = "orders", "orders", "orders-in-tests"
VERSION = "0123456789ab"
_LABELS = {"slipway.test": "app"}
_ANEW = f"slipway-test-app:anew-{os.getpid()}"  # another run on this machine may build it too


@dataclass(frozen=True)
class Database:
    container: Container
    port: int
    """The port on this machine; containers use 3306 at `name`."""
    name: str

    def settings_from_host(self) -> dict[str, Any]:
        return {
            "database_host": "127.0.0.1",
            "database_port": self.port,
            "database_name": DATABASE,
            "database_user": USER,
            "database_password": PASSWORD,
        }

    def environment(self) -> dict[str, str]:
        """What the task definition gives a container."""
        return {
            "DATABASE_HOST": self.name,
            "DATABASE_PORT": "3306",
            "DATABASE_NAME": DATABASE,
            "DATABASE_USER": USER,
            "DATABASE_PASSWORD": PASSWORD,
        }

    def connect(self) -> "pymysql.Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=DATABASE, autocommit=True
        )

    def answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.Error:
            return False
        return True


@dataclass(frozen=True)
class RunningService:
    container: Container
    api: str
    actuator: str
    http: requests.Session = field(default_factory=requests.Session)

    def ready(self) -> bool:
        return self.actuator_status("/actuator/health/readiness") == 200

    def actuator_status(self, path: str) -> int | None:
        """None while nothing answers."""
        try:
            return requests.get(self.actuator + path, timeout=5).status_code
        except requests.ConnectionError:
            return None

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.container.logs(stderr=False).decode().splitlines()]


def eventually(probe: Callable[[], Any], *, within: float = 60.0) -> Any:
    """The first truthy answer. Fails the test when there is none `within` seconds."""
    deadline = time.monotonic() + within
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {within} s: {probe}"
        time.sleep(0.05)
    return answer


@contextmanager
def started_database(client: docker.DockerClient, network: str, image_name: str) -> Iterator[Database]:
    """An empty database, gone with its volume at the end. Both MySQL and MariaDB know --init-file."""
    name, port = f"slipway-test-database-{uuid.uuid4().hex[:8]}", free_port()
    container = client.containers.create(
        image_name,
        ["--init-file=/init.sql", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=2"],
        name=name,
        labels=_LABELS,
        network=network,
        ports={"3306/tcp": ("127.0.0.1", port)},
        environment={"MYSQL_RANDOM_ROOT_PASSWORD": "1"},
    )
    try:
        container.put_archive("/", _archive({"init.sql": _INIT.encode()}))
        container.start()
        database = Database(container, port, name)
        eventually(database.answers, within=60)
        yield database
    finally:
        container.remove(force=True, v=True)


@contextmanager
def started_service(
    client: docker.DockerClient,
    image_id: str,
    environment: Mapping[str, str],
    *,
    network: str,
    command: str = "serve",
) -> Iterator[RunningService]:
    """The service as the task definition runs it: read-only, no privileges."""
    api, actuator = free_port(), free_port()
    container = client.containers.run(
        image_id,
        [command],
        detach=True,
        labels=_LABELS,
        network=network,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        init=False,
        environment=dict(environment),
        ports={"8080/tcp": ("127.0.0.1", api), "8081/tcp": ("127.0.0.1", actuator)},
    )
    try:
        yield RunningService(container, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{actuator}")
    finally:
        container.remove(force=True)


def build_image(client: docker.DockerClient, base: str | None) -> str:
    """The image's id, built by the pipeline's own code."""
    return _build(client.api, base, name="slipway-test-app:cached")


@contextmanager
def image_built_anew(client: docker.DockerClient, base: str | None) -> Iterator[str]:
    """The same image, built without the cache; nothing of it stays."""
    uncached = _WithoutCache(client.api)
    try:
        yield _build(uncached, base, name=_ANEW)
    finally:
        client.images.remove(_ANEW, force=True)
        for step in reversed(uncached.steps):
            with contextlib.suppress(docker.errors.NotFound, docker.errors.APIError):
                if not (left := client.images.get(step)).tags:
                    left.remove()


def _build(api: image.DockerBuild, base: str | None, *, name: str) -> str:
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    arguments = {"SERVICE_VERSION": VERSION, "SERVICE_COMMIT": "c0ffee"}
    return image.build(
        api,
        APP,
        name=name,
        build_args=arguments | ({"BASE_IMAGE": base} if base else {}),
        ca_bundle=Path(bundle) if bundle else None,
        log=lambda _: None,
    )


@dataclass(frozen=True)
class _WithoutCache:
    api: Any
    steps: list[str] = field(default_factory=list)
    """The image after each step, as the classic builder tells it."""

    def build(self, **request: Any) -> Iterator[dict[str, Any]]:
        for answer in self.api.build(nocache=True, **request):
            line = answer.get("stream", "")
            if line.startswith(" ---> ") and "Running in" not in line:
                self.steps.append(line.removeprefix(" ---> ").strip())
            yield answer


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads a setting that happens to be on this machine."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


_INIT = f"""\
CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%';
"""
