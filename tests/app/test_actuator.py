import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import anyio.to_thread
import httpx2
import pymysql
import pytest
from fastapi.testclient import TestClient
from orders.actuator import Facts, make_actuator
from orders.database import make_probe_engine, ping
from orders.readiness import Lifecycle
from orders.settings import Settings
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

FACTS = Facts(
    version="v1",
    commit="c0ffee",
    environment="dev",
    image="registry/orders@sha256:00ff",
    image_digest="sha256:00ff",
    started=datetime(2026, 11, 23, 12, tzinfo=UTC),
)


def away(_: Engine) -> None:
    raise OperationalError("SELECT 1", None, pymysql.err.OperationalError(2003, "Connection refused"))


def actuator(lifecycle: Lifecycle, ask: Callable[[Engine], None] = lambda _: None) -> TestClient:
    registry = CollectorRegistry()
    Gauge("answer", "The answer", registry=registry).set(42)
    return TestClient(
        make_actuator(
            facts=FACTS,
            lifecycle=lifecycle,
            registry=registry,
            probe=create_engine("sqlite://"),
            ask_database=ask,
        )
    )


@pytest.fixture
def ready() -> Lifecycle:
    lifecycle = Lifecycle()
    lifecycle.schema_usable()
    return lifecycle


def test_health_is_up_with_the_database(ready: Lifecycle) -> None:
    answer = actuator(ready).get("/actuator/health")

    assert (200, "UP") == (answer.status_code, answer.json()["status"])
    assert "UP" == answer.json()["components"]["database"]["status"]


def test_health_is_down_without_the_database_and_says_why(ready: Lifecycle) -> None:
    answer = actuator(ready, away).get("/actuator/health")

    assert (503, "DOWN") == (answer.status_code, answer.json()["status"])
    assert "Connection refused" in answer.json()["components"]["database"]["error"]


def test_health_is_down_whatever_went_wrong_with_the_database(ready: Lifecycle, nobody: Settings) -> None:
    no_host_name = make_probe_engine(nobody.model_copy(update={"database_host": "db..internal"}))

    answer = actuator(ready, lambda _: ping(no_host_name)).get("/actuator/health")

    assert (503, "DOWN") == (answer.status_code, answer.json()["status"])
    assert answer.json()["components"]["database"]["error"].startswith("Unicode")


def test_a_database_outage_makes_nobody_unready(ready: Lifecycle) -> None:
    # Else ECS would replace every task, and the new ones would find no database either.
    assert 200 == actuator(ready, away).get("/actuator/health/readiness").status_code


def test_a_starting_service_is_alive_but_not_ready() -> None:
    client = actuator(Lifecycle())

    assert 200 == client.get("/actuator/health/liveness").status_code
    assert (503, "the database has not been reached yet") == (
        (answer := client.get("/actuator/health/readiness")).status_code,
        answer.json()["reason"],
    )


def test_a_stopping_service_is_alive_but_not_ready(ready: Lifecycle) -> None:
    ready.stop()
    client = actuator(ready)

    assert 200 == client.get("/actuator/health/liveness").status_code
    assert 503 == client.get("/actuator/health/readiness").status_code
    assert 503 == client.get("/actuator/health").status_code


def test_info_says_what_runs(ready: Lifecycle) -> None:
    assert {
        "version": "v1",
        "commit": "c0ffee",
        "environment": "dev",
        "image": "registry/orders@sha256:00ff",
        "image_digest": "sha256:00ff",
        "started": "2026-11-23T12:00:00Z",
    } == actuator(ready).get("/actuator/info").json()


def test_prometheus_gets_its_own_format(ready: Lifecycle) -> None:
    answer = actuator(ready).get("/actuator/prometheus")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "answer 42.0" in answer.text.splitlines()


@pytest.mark.parametrize("path", ["health", "health/liveness", "health/readiness", "info", "prometheus"])
def test_it_answers_while_requests_hold_every_thread(ready: Lifecycle, path: str) -> None:
    async def ask() -> int:
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = 1
        async with threads, httpx2.AsyncClient(transport=httpx2.ASGITransport(actuator(ready).app)) as client:
            answer = await asyncio.wait_for(client.get(f"http://actuator/actuator/{path}"), timeout=30)
        return answer.status_code

    assert 200 == asyncio.run(ask())


def test_anything_else_is_a_404_in_the_one_shape(ready: Lifecycle) -> None:
    answer = actuator(ready).get("/orders")

    assert (404, "Not Found") == (answer.status_code, answer.json()["title"])
