"""A database that lets everybody connect and then says nothing."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import httpx2
import pytest
from orders.server import Service
from orders.settings import Settings

THREADS = 2


@contextlib.asynccontextmanager
async def waiting(
    settings: Settings, requests: int
) -> AsyncIterator[tuple[Service, list["asyncio.Task[httpx2.Response]"]]]:
    """A service with so many requests that wait for their database, most of them for a thread first."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = THREADS
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = Service(settings.model_copy(update={"database_port": silent.getsockname()[1]}))
        asked = [asyncio.create_task(ask(service.api, "/orders")) for _ in range(requests)]
        while limiter.statistics().tasks_waiting < requests - THREADS:
            await asyncio.sleep(0.01)
        yield service, asked
    # With the listener gone, each connection breaks at once.
    await asyncio.gather(*asked)


async def ask(app: Any, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service") as client:
        return await asyncio.wait_for(client.get(path), timeout=15)


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/nowhere", 404), ("/orders/tea", 422), ("/openapi.json", 200)]
)
def test_what_asks_no_database_does_not_wait_for_it(nobody: Settings, path: str, status: int) -> None:
    async def scenario() -> tuple[int, int]:
        async with waiting(nobody, THREADS + 1) as (service, asked):
            answer = await ask(service.api, path)
            return answer.status_code, sum(task.done() for task in asked)

    assert (status, 0) == asyncio.run(scenario())


def test_one_request_too_many_is_refused_at_once_and_says_that_it_was_not_begun(nobody: Settings) -> None:
    async def scenario() -> tuple[httpx2.Response, int]:
        async with waiting(nobody, 2 * THREADS) as (service, asked):
            return await ask(service.api, "/orders"), sum(task.done() for task in asked)

    answer, answered = asyncio.run(scenario())

    assert (503, 0) == (answer.status_code, answered)
    assert ("2", "unknown") == (answer.headers["Retry-After"], answer.headers["X-Service-Version"])
    assert answer.json()["detail"].startswith(
        "Too many requests are waiting here already, so this one was not"
    )


@pytest.mark.parametrize(("path", "status"), [("health/liveness", 200), ("prometheus", 200)])
def test_the_actuator_answers_meanwhile(nobody: Settings, path: str, status: int) -> None:
    async def scenario() -> tuple[int, int]:
        async with waiting(nobody, 2 * THREADS) as (service, asked):
            answer = await ask(service.actuator, f"/actuator/{path}")
            return answer.status_code, sum(task.done() for task in asked)

    assert (status, 0) == asyncio.run(scenario())


def test_those_that_waited_are_told_that_the_database_does_not_answer(nobody: Settings) -> None:
    async def scenario() -> list["asyncio.Task[httpx2.Response]"]:
        async with waiting(nobody, 2 * THREADS) as (_, asked):
            return asked

    assert [503] * 2 * THREADS == [task.result().status_code for task in asyncio.run(scenario())]
