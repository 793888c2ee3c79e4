"""`orders serve` as a process of its own, with no database: what only real sockets show."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from orders.server import listen

from tests.support.ports import free_port

pytestmark = pytest.mark.processes

ACTUATOR = ("health", "health/liveness", "health/readiness", "info", "prometheus")


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """The API's and the actuator's."""
    api, actuator = free_port(), free_port()
    environment = {
        "PYTHONPATH": "app",
        "API_PORT": str(api),
        "ACTUATOR_PORT": str(actuator),
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": "1",
        "DATABASE_NAME": "orders",
        "DATABASE_USER": "orders",
        "DATABASE_PASSWORD": "x",
        "SERVICE_VERSION": "v1",
        "IMAGE_URI": "registry/orders@sha256:beef",
        "SHUTDOWN_GRACE_SECONDS": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "orders", "serve"],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 20
            while not listening(actuator):
                assert time.monotonic() < deadline, "it does not serve"
                time.sleep(0.05)
            yield api, actuator
        finally:
            process.terminate()


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def answer_to(port: int, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.mark.parametrize(
    "sent",
    [
        b"tea, please\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n",
    ],
    ids=["words", "TLS", "a length that is no number"],
)
def test_what_is_no_http_is_a_400_in_the_one_shape_with_the_usual_headers(
    ports: tuple[int, int], sent: bytes
) -> None:
    status, headers, body = answer_to(ports[0], sent)

    assert (400, "application/problem+json", "v1", "sha256:beef", "close") == (
        status,
        headers["content-type"],
        headers["x-service-version"],
        headers["x-image-digest"],
        headers["connection"],
    )
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers["x-request-id"] == json.loads(body)["request_id"]
    assert ("Bad Request", 400) == (json.loads(body)["title"], json.loads(body)["status"])


def test_whoever_wants_a_web_socket_gets_plain_http_with_the_version(ports: tuple[int, int]) -> None:
    status, headers, _ = answer_to(
        ports[0],
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )

    assert (200, "v1") == (status, headers["x-service-version"])


@pytest.mark.parametrize("path", ACTUATOR)
def test_head_on_the_actuator_answers_as_get_without_a_body(ports: tuple[int, int], path: str) -> None:
    asked = f" /actuator/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    got, head = answer_to(ports[1], b"GET" + asked), raw(ports[1], b"HEAD" + asked)

    assert head.startswith(f"HTTP/1.1 {got[0]} ".encode())
    assert head.endswith(b"\r\n\r\n")


def raw(port: int, sent: bytes) -> bytes:
    """All that comes back until the other side closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_without_a_database_it_lives_and_is_not_ready(ports: tuple[int, int]) -> None:
    ask = "GET /actuator/health/{} HTTP/1.1\r\nHost: x\r\n\r\n"

    assert 200 == answer_to(ports[1], ask.format("liveness").encode())[0]
    assert 503 == answer_to(ports[1], ask.format("readiness").encode())[0]


def test_an_accepted_connection_sends_without_delay() -> None:
    async def accepted_option() -> int:
        loop = asyncio.get_running_loop()
        accepted: asyncio.Future[int] = loop.create_future()

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                accepted.set_result(option)

        port = free_port()
        async with await loop.create_server(Protocol, sock=listen(port)):
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return await asyncio.wait_for(accepted, timeout=5)

    assert 1 == asyncio.run(accepted_option())
