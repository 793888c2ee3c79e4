"""A page in the developer's browser gets nothing out of the local AWS."""

import asyncio
from typing import Any

import pytest

from local_aws.access.browser_guard import refusal, refuse_browsers

OURS = (b"host", b"localhost:4566")


@pytest.mark.parametrize(
    "host",
    [
        "localhost:4566",
        "127.0.0.1:4566",
        "[::1]:4566",
        "LOCALHOST:4566",
        "a-bucket.s3.localhost:4566",
        "localhost:9000",  # by a tunnel
        "localhost",
        "[::1]",
    ],
)
def test_a_program_on_this_machine_is_answered(host: str) -> None:
    assert refusal([(b"host", host.encode())]) is None


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://localhost:4566"])
def test_a_page_that_says_where_it_comes_from_is_refused(origin: bytes) -> None:
    assert "the local AWS answers no web pages" == refusal([OURS, (b"origin", origin)])


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"same-origin"])
def test_a_page_that_pretends_to_load_a_picture_is_refused(site: bytes) -> None:
    assert "the local AWS answers no web pages" == refusal([OURS, (b"sec-fetch-site", site)])


def test_an_address_that_was_typed_into_a_browser_is_answered() -> None:
    assert refusal([OURS, (b"sec-fetch-site", b"none")]) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example:4566", "evil.example", "localhost.evil.example:4566", "localhost:x", ":4566", ""],
)
def test_a_name_that_was_turned_to_this_machine_is_refused(host: str) -> None:
    assert "the local AWS is called localhost, and nothing else" == refusal([(b"host", host.encode())])


def ask(kind: str, *headers: tuple[bytes, bytes]) -> list[Any]:
    """What an application behind the guard, which says that it was reached, sends to these headers."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send("reached")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": headers} if kind != "lifespan" else {"type": kind}
    asyncio.run(refuse_browsers(app)(scope, None, send))
    return sent


def test_what_is_refused_never_reaches_the_api() -> None:
    start, body = ask("http", OURS, (b"origin", b"https://evil.example"))

    assert 403 == start["status"]
    assert b"the local AWS answers no web pages\n" == body["body"]
    assert [{"type": "websocket.close"}] == ask("websocket", OURS, (b"origin", b"https://evil.example"))


@pytest.mark.parametrize("kind", ["http", "websocket", "lifespan"])
def test_everything_else_does(kind: str) -> None:
    assert ["reached"] == ask(kind, OURS)
