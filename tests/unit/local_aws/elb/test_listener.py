"""The listener over real sockets on the loopback: what reaches a target, and what the client gets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from local_aws.elb.listener import Listener
from local_aws.elb.proxy import new_session, trace_id
from local_aws.elb.target_groups import TargetGroups
from local_aws.elb.target_health import HEALTHY

GROUP = "arn:targetgroup/blue"
FORWARD = {"IsDefault": True, "Actions": [{"Type": "forward", "TargetGroupArn": GROUP}]}


def in_a_loop(test: Callable[..., Any]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **named), 20))

    return run


class Stage:
    """One listener, its rules to be changed at will, and targets."""

    def __init__(self, url: str, client: aiohttp.ClientSession, groups: TargetGroups) -> None:
        self.url = url
        self.client = client
        self.groups = groups
        self.rules: list[dict[str, Any]] = [FORWARD]

    async def target(self, handler: Any) -> int:
        """Start a target, registered and healthy; gives its port."""
        runner = web.ServerRunner(web.Server(handler, keepalive_timeout=75), shutdown_timeout=0.1)
        await runner.setup()
        sock = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, sock).start()
        port: int = sock.getsockname()[1]
        self.register(port)
        return port

    def register(self, port: int) -> None:
        self.groups.register(GROUP, "127.0.0.1", port)
        for target in self.groups.targets(GROUP):
            self.groups.update(target, lambda _: HEALTHY)


@asynccontextmanager
async def stage(idle_seconds: float = 60) -> AsyncIterator[Stage]:
    groups = TargetGroups()
    sock = socket.create_server(("127.0.0.1", 0))
    async with new_session(idle_seconds) as upstream, aiohttp.ClientSession() as client:
        made = Stage(f"http://127.0.0.1:{sock.getsockname()[1]}", client, groups)
        listener = Listener(80, lambda: made.rules, groups, upstream)
        await listener.start(sock)
        try:
            yield made
        finally:
            await listener.stop()


async def echo(request: web.BaseRequest) -> web.Response:
    seen = {name.lower(): value for name, value in request.headers.items()}
    body = (await request.read()).decode()
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "body": body, "headers": seen}
    )


@in_a_loop
async def test_the_request_reaches_the_target_with_the_load_balancers_headers() -> None:
    async with stage() as at:
        await at.target(echo)
        async with at.client.post(
            f"{at.url}/a%2Fb?x=1&y=%20",
            data="tea",
            headers={"X-Forwarded-For": "203.0.113.9", "Connection": "X-Hop", "X-Hop": "1"},
        ) as response:
            seen = await response.json()

    assert ("POST", "/a%2Fb?x=1&y=%20", "tea") == (seen["method"], seen["path"], seen["body"])
    assert seen["headers"]["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert ("http", "80") == (seen["headers"]["x-forwarded-proto"], seen["headers"]["x-forwarded-port"])
    assert seen["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert "x-hop" not in seen["headers"]


@in_a_loop
async def test_the_answer_comes_back_as_the_target_gave_it() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        response = web.Response(status=201, reason="Made", body=b"raw", headers={"X-Service-Version": "7"})
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    async with stage() as at:
        await at.target(answer)
        async with at.client.get(at.url) as response:
            body = await response.read()

    assert (201, "Made", b"raw", "7") == (
        response.status,
        response.reason,
        body,
        response.headers["X-Service-Version"],
    )
    assert ["a=1", "b=2"] == response.headers.getall("Set-Cookie")


@in_a_loop
async def test_a_head_request_gets_the_length_but_no_body() -> None:
    async with stage() as at:
        await at.target(echo)
        async with at.client.head(at.url) as response:
            body = await response.read()

    assert body == b""
    assert int(response.headers["Content-Length"]) > 0


@in_a_loop
async def test_a_large_body_streams_both_ways() -> None:
    async def mirror(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response

    large = b"0123456789abcdef" * 256 * 1024

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    async with stage() as at:
        await at.target(mirror)
        async with at.client.post(at.url, data=in_pieces()) as response:
            assert large == await response.read()


@in_a_loop
async def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async with stage() as at:
        await at.target(echo)
        async with at.client.post(at.url, data="tea", expect100=True) as response:
            seen = await response.json()

    assert seen["body"] == "tea"
    assert "expect" not in seen["headers"]


@in_a_loop
async def test_no_target_is_503_a_dead_one_502() -> None:
    async with stage() as at:
        async with at.client.get(at.url) as response:
            assert response.status == 503
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            closed: int = sock.getsockname()[1]
        at.register(closed)
        async with at.client.get(at.url) as response:
            assert (502, "awselb/2.0") == (response.status, response.headers["Server"])


@in_a_loop
async def test_a_target_that_stays_silent_is_504() -> None:
    async def never(_: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with stage(idle_seconds=0.05) as at:
        await at.target(never)
        async with at.client.get(at.url) as response:
            assert response.status == 504


@in_a_loop
async def test_a_target_that_breaks_off_in_mid_answer_breaks_the_client_off_too() -> None:
    async def break_off(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with stage() as at:
        await at.target(break_off)
        with pytest.raises(aiohttp.ClientError):
            async with at.client.get(at.url) as response:
                await response.read()


@in_a_loop
async def test_a_client_that_goes_away_ends_the_request_to_the_target() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(_: web.BaseRequest) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return web.Response()

    async with stage() as at:
        runner = web.ServerRunner(web.Server(wait, handler_cancellation=True), shutdown_timeout=0.1)
        await runner.setup()
        sock = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, sock).start()
        at.register(sock.getsockname()[1])
        request = asyncio.create_task(at.client.get(at.url).__aenter__())
        await begun.wait()
        request.cancel()
        await ended.wait()

        assert [0] == [target.in_flight for target in at.groups.targets(GROUP)]


@in_a_loop
async def test_a_request_in_flight_finishes_while_its_target_drains_and_new_ones_go_elsewhere() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="old")

    async def fast(_: web.BaseRequest) -> web.Response:
        return web.Response(text="new")

    async with stage() as at:
        old = await at.target(slow)
        first = asyncio.create_task(at.client.get(at.url).__aenter__())
        await begun.wait()
        await at.target(fast)
        at.groups.deregister(GROUP, "127.0.0.1", old, delay=20)

        for _ in range(3):
            async with at.client.get(at.url) as response:
                assert await response.text() == "new"
        assert not at.groups.is_drained(GROUP, "127.0.0.1", old)

        go_on.set()
        async with await first as response:
            assert await response.text() == "old"
        assert at.groups.is_drained(GROUP, "127.0.0.1", old)


@in_a_loop
async def test_a_changed_rule_holds_from_the_next_request_on_the_same_connection() -> None:
    fixed = {"StatusCode": "405", "ContentType": "application/json", "MessageBody": "{}"}
    async with stage() as at:
        await at.target(echo)
        async with at.client.get(at.url) as response:
            assert response.status == 200
        at.rules = [
            {"IsDefault": True, "Actions": [{"Type": "fixed-response", "FixedResponseConfig": fixed}]}
        ]
        async with at.client.get(at.url) as response:
            assert (405, "application/json", "{}") == (
                response.status,
                response.content_type,
                await response.text(),
            )


@in_a_loop
async def test_a_redirect_is_filled_from_the_request() -> None:
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443", "Path": "/new/#{path}"}
    async with stage() as at:
        at.rules = [{"IsDefault": True, "Actions": [{"Type": "redirect", "RedirectConfig": config}]}]
        async with at.client.get(f"{at.url}/a?b=1", allow_redirects=False) as response:
            assert (301, "https://127.0.0.1:443/new/a?b=1") == (response.status, response.headers["Location"])


def test_a_clients_own_trace_is_kept_behind_the_load_balancers_self() -> None:
    assert trace_id("Root=1-a;Lineage=b").startswith("Self=1-")
    assert trace_id("Self=1-x;Root=1-a;Lineage=b").endswith(";Root=1-a;Lineage=b")
    assert trace_id("").startswith("Root=1-")
