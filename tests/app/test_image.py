"""The image as the task definition runs it: not root, nothing writable, no privileges, a real database."""

import hashlib
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest
import requests
from sqlalchemy import Engine

from local_aws.host.base_images import base_images
from tests.app.containers import (
    DATABASE,
    VERSION,
    Database,
    RunningService,
    eventually,
    image_built_anew,
    started_service,
)

pytestmark = pytest.mark.docker

TEA = {"item": "tea", "quantity": 2}
AT_ONCE = 8
"""Seconds on a busy machine. What must not be waited for takes 10 (a statement) or 12 (half the grace)."""


@pytest.fixture
def service(
    engine_client: docker.DockerClient, image: str, network: str, database: Database, engine: Engine
) -> Iterator[RunningService]:
    with started_service(engine_client, image, database.environment(), network=network) as service:
        eventually(service.ready)
        yield service


@pytest.fixture
def stopped_database(database: Database) -> Iterator[Database]:
    database.container.stop()
    yield database
    database.container.start()
    eventually(database.answers)


class Posting(threading.Thread):
    """One POST in flight, held up by a lock on the table."""

    def __init__(self, service: RunningService) -> None:
        super().__init__()
        self._url = service.api + "/orders"
        self.answer: requests.Response | None = None
        self.error: requests.RequestException | None = None

    def run(self) -> None:
        try:
            self.answer = requests.post(self._url, json=TEA, timeout=30)
        except requests.RequestException as error:
            self.error = error


def in_flight(service: RunningService) -> bool:
    metrics = requests.get(service.actuator + "/actuator/prometheus", timeout=5).text
    return "http_requests_in_flight 1.0" in metrics.splitlines()


def lines_of(service: RunningService, *, request: str) -> list[dict[str, Any]]:
    return [line for line in service.log_lines() if line.get("request_id") == request]


def exit_code(service: RunningService) -> int:
    return int(service.container.wait(timeout=30)["StatusCode"])


def test_an_order_survives_a_write_and_a_read(service: RunningService) -> None:
    posted = service.http.post(service.api + "/orders", json=TEA)
    read = service.http.get(service.api + posted.headers["Location"])
    head = service.http.head(service.api + posted.headers["Location"])

    assert (201, 200, 200) == (posted.status_code, read.status_code, head.status_code)
    assert posted.json() == read.json()
    assert VERSION == read.headers["X-Service-Version"]


def test_info_says_what_was_built_in_and_what_the_task_definition_gave(
    engine_client: docker.DockerClient, image: str, network: str, database: Database
) -> None:
    given = {"IMAGE_URI": "registry/orders@sha256:00ff", "ENVIRONMENT_NAME": "dev"}
    with started_service(engine_client, image, database.environment() | given, network=network) as service:
        eventually(lambda: service.actuator_status("/actuator/info"))
        info = requests.get(service.actuator + "/actuator/info", timeout=5).json()

    assert (VERSION, "c0ffee", "dev", "sha256:00ff") == tuple(
        info[key] for key in ("version", "commit", "environment", "image_digest")
    )


def test_its_own_health_command_says_that_it_lives(service: RunningService) -> None:
    code, output = service.container.exec_run(["service", "health"])

    assert (0, b"") == (code, output)


def test_every_log_line_is_json_and_the_password_is_in_none(
    service: RunningService, database: Database
) -> None:
    service.http.post(service.api + "/orders", json=TEA, headers={"X-Request-Id": "id-of-this-test"})

    # The line is written after the answer, which it times.
    (access,) = eventually(lambda: lines_of(service, request="id-of-this-test"))
    lines = service.log_lines()

    assert ("POST", "/orders", 201) == tuple(access[key] for key in ("method", "route", "status"))
    assert {VERSION} == {line["version"] for line in lines}
    assert database.environment()["DATABASE_PASSWORD"] not in str(lines)


def test_it_starts_before_its_database(
    engine_client: docker.DockerClient,
    image: str,
    network: str,
    engine: Engine,
    stopped_database: Database,
) -> None:
    with started_service(engine_client, image, stopped_database.environment(), network=network) as service:
        eventually(lambda: service.actuator_status("/actuator/health/liveness") == 200)
        before = service.actuator_status("/actuator/health/readiness")
        stopped_database.container.start()

        assert 503 == before
        assert eventually(service.ready)


def test_it_outlives_its_database(service: RunningService, database: Database) -> None:
    database.container.stop()
    during = service.http.post(service.api + "/orders", json=TEA)
    readiness = service.actuator_status("/actuator/health/readiness")
    health = service.actuator_status("/actuator/health")
    database.container.start()

    assert (503, "2") == (during.status_code, during.headers["Retry-After"])
    assert (200, 503) == (readiness, health)
    assert eventually(lambda: service.http.post(service.api + "/orders", json=TEA).status_code == 201)
    assert 200 == service.actuator_status("/actuator/health")


def test_connections_that_a_restart_cut_are_replaced_before_a_request_meets_them(
    service: RunningService, database: Database
) -> None:
    service.http.post(service.api + "/orders", json=TEA)
    database.container.restart()
    eventually(database.answers)

    assert 201 == service.http.post(service.api + "/orders", json=TEA).status_code


def test_sigterm_lets_a_request_in_flight_finish(service: RunningService, database: Database) -> None:
    posting = Posting(service)
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES orders WRITE")
        posting.start()
        eventually(lambda: in_flight(service))
        service.container.kill("SIGTERM")
        readiness = eventually(lambda: service.actuator_status("/actuator/health/readiness") == 503)
        cursor.execute("UNLOCK TABLES")
    posting.join()

    assert readiness
    assert posting.error is None
    assert posting.answer is not None
    assert 201 == posting.answer.status_code
    assert "close" == posting.answer.headers["Connection"]
    assert 0 == exit_code(service)
    assert "stopped" == service.log_lines()[-1]["message"]


def test_sigterm_still_serves_requests_that_arrive_late(service: RunningService) -> None:
    # The load balancer needs a moment to notice.
    service.container.kill("SIGTERM")
    statuses = []
    for _ in range(15):
        statuses.append(requests.get(service.api + "/orders", timeout=5).status_code)
        time.sleep(0.1)

    assert {200} == set(statuses)
    assert 0 == exit_code(service)


def test_sigterm_ends_an_idle_service_without_waiting_for_its_grace(service: RunningService) -> None:
    begun = time.monotonic()
    service.container.kill("SIGTERM")

    assert 0 == exit_code(service)
    assert time.monotonic() - begun < AT_ONCE


def test_a_request_that_outlasts_the_grace_is_cut_off_and_told(
    engine_client: docker.DockerClient, image: str, network: str, database: Database, engine: Engine
) -> None:
    environment = database.environment() | {"SHUTDOWN_GRACE_SECONDS": "2"}
    with started_service(engine_client, image, environment, network=network) as service:
        eventually(service.ready)
        posting = Posting(service)
        with database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLES orders WRITE")
            posting.start()
            eventually(lambda: in_flight(service))
            begun = time.monotonic()
            service.container.kill("SIGTERM")
            code = exit_code(service)
            took = time.monotonic() - begun
        posting.join()

        assert 0 == code
        assert took < AT_ONCE
        (cut,) = [line for line in service.log_lines() if line["message"] == "requests were cut off"]
        assert ("WARNING", 1) == (cut["level"], cut["in_flight"])


def test_two_tasks_may_migrate_at_once(
    engine_client: docker.DockerClient, image: str, network: str, database: Database, engine: Engine
) -> None:
    environment = database.environment() | {"DATABASE_NAME": f"{DATABASE}_twice"}
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}_twice")
    with (
        started_service(engine_client, image, environment, network=network, command="migrate") as first,
        started_service(engine_client, image, environment, network=network, command="migrate") as second,
    ):
        assert (0, 0) == (exit_code(first), exit_code(second))
        assert ["migrated", "the schema is current"] == sorted(
            task.log_lines()[-1]["message"] for task in (first, second)
        )


@pytest.mark.parametrize(("command", "code"), [("migrate", 143), ("serve", 0)])
def test_sigterm_is_heard_while_the_database_is_away(
    engine_client: docker.DockerClient, image: str, network: str, command: str, code: int
) -> None:
    nowhere = {
        "DATABASE_HOST": "nowhere",
        "DATABASE_NAME": "orders",
        "DATABASE_USER": "orders",
        "DATABASE_PASSWORD": "x",
    }
    with started_service(engine_client, image, nowhere, network=network, command=command) as task:
        eventually(lambda: "nowhere" in str(task.log_lines()))
        begun = time.monotonic()
        task.container.kill("SIGTERM")

        assert code == exit_code(task)
        assert time.monotonic() - begun < AT_ONCE


def test_it_waits_for_its_schema_and_says_so(
    engine_client: docker.DockerClient, image: str, network: str, database: Database
) -> None:
    environment = database.environment() | {"DATABASE_NAME": f"{DATABASE}_bare"}
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}_bare")
    with started_service(engine_client, image, environment, network=network) as service:
        eventually(lambda: service.actuator_status("/actuator/health/readiness") == 503)
        reason = "the database's schema is empty: run the migrations"
        eventually(lambda: reason in {line.get("reason") for line in service.log_lines()})
        with started_service(
            engine_client, image, environment, network=network, command="migrate"
        ) as migration:
            code = exit_code(migration)

        assert 0 == code
        assert eventually(service.ready)


def test_it_holds_no_root_no_installer_no_compiler_and_no_certificates_of_the_builder(
    engine_client: docker.DockerClient, image: str
) -> None:
    config = engine_client.images.get(image).attrs["Config"]
    unwanted_programs = "command -v pip pip3 gcc cc make"
    unwanted_files = "find / -xdev '(' -name '*.ca-bundle*' -o -path '*/pip/_vendor' ')'"
    found = engine_client.containers.run(
        image,
        ["-c", f"{unwanted_programs}; {unwanted_files}; id -u"],
        entrypoint="sh",
        remove=True,
        read_only=True,
        stderr=False,
    )

    assert "10001:10001" == config["User"]
    assert ["service"] == config["Entrypoint"]
    assert ["serve"] == config["Cmd"]
    assert "10001" == found.decode().strip()


def test_the_same_source_gives_the_same_files(engine_client: docker.DockerClient, image: str) -> None:
    with image_built_anew(engine_client, base_images(engine_client, print).python) as anew:
        first, second = files_of(engine_client, image), files_of(engine_client, anew)

    assert len(first) > 500
    assert first == second


def files_of(client: docker.DockerClient, image: str) -> dict[str, tuple[Any, ...]]:
    """What the build added, by path: kind, owner, mode, time, and what is in it.

    Below /venv and /service, whose own times are the copy's: no Dockerfile can set them.
    """
    container = client.containers.create(image)
    try:
        with tempfile.TemporaryFile() as spool:
            for chunk in container.export():
                spool.write(chunk)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as archive:
                return {
                    entry.name: (
                        entry.type,
                        entry.uid,
                        entry.mode,
                        entry.mtime,
                        entry.linkname,
                        _hash(archive, entry),
                    )
                    for entry in archive
                    if entry.name.startswith(("venv/", "service/"))
                }
    finally:
        container.remove()


def _hash(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str | None:
    content = archive.extractfile(entry) if entry.isfile() else None
    return hashlib.sha256(content.read()).hexdigest() if content else None
