"""Sends one request to one target, and streams the answer back.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

import random
import time
from http import HTTPStatus

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from local_aws.elb.target_groups import Target

CONNECT_SECONDS = 10
IDLE_SECONDS = 60
# RFC 9110 section 7.6.1: these headers are about one connection, not about the message.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def error_response(status: int) -> web.Response:
    """A load balancer's own error page."""
    title = f"{status} {HTTPStatus(status).phrase}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=body, content_type="text/html", headers={"Server": "awselb/2.0"})


def new_session(idle_seconds: float = IDLE_SECONDS) -> aiohttp.ClientSession:
    """A client session for targets: it keeps connections alive, and keeps no cookies.

    idle_seconds: a target that is silent for longer gets the client a 504.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


def request_headers(request: web.BaseRequest, source_ip: str, listener_port: int) -> CIMultiDict[str]:
    """The headers that a target receives."""
    headers = _end_to_end(request.headers)
    headers.pop("Expect", None)
    forwarded = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{forwarded}, {source_ip}" if forwarded else source_ip
    headers["X-Forwarded-Proto"] = "http"
    headers["X-Forwarded-Port"] = str(listener_port)
    headers["X-Amzn-Trace-Id"] = trace_id(headers.get("X-Amzn-Trace-Id", ""))
    return headers


def trace_id(given: str) -> str:
    """The X-Amzn-Trace-Id for the target: a new Root, or a Self before the client's fields.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
    """
    # The operating system's randomness would cost a call per request; nobody is kept out by a trace id.
    own = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
    fields = [
        part.strip() for part in given.split(";") if part.strip() and not part.strip().startswith("Self=")
    ]
    if any(part.startswith("Root=") for part in fields):
        return ";".join([f"Self={own}", *fields])
    return ";".join([f"Root={own}", *fields])


async def forward(
    session: aiohttp.ClientSession, request: web.BaseRequest, target: Target, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Send the request to the target and stream its answer back.

    The answer is 502 when the target refuses or breaks the connection before it answers, and 504 when the
    target is silent for too long. A connection that breaks in the middle of the answer breaks the client's
    connection too.
    """
    url = URL(f"http://{target.id}:{target.port}{_path(request)}", encoded=True)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = request.content.iter_any() if request.can_read_body else None
    try:
        upstream = await session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        )
    except TimeoutError:
        return error_response(504)
    except (aiohttp.ClientError, OSError):
        return error_response(502)
    async with upstream:
        return await _stream_back(request, upstream)


class Passed(web.StreamResponse):
    """A target's answer as it comes, without the Content-Type and Server that aiohttp adds."""

    async def _prepare_headers(self) -> None:
        given = {name.lower() for name in self.headers}
        await super()._prepare_headers()
        for name in ("Content-Type", "Server"):
            if name.lower() not in given:
                self.headers.popall(name, None)


class PassedWhole(Passed, web.Response):
    """A target's answer that has arrived to its end: head and body leave in one packet."""


async def _stream_back(request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    status, reason, headers = upstream.status, upstream.reason, _end_to_end(upstream.headers)
    no_body = request.method == "HEAD" or status in (204, 304)
    if not no_body and upstream.content.is_eof() and upstream.content.exception() is None:
        return PassedWhole(status=status, reason=reason, headers=headers, body=upstream.content.read_nowait())
    response = Passed(status=status, reason=reason, headers=headers)
    if not no_body and "Content-Length" not in response.headers and request.version >= aiohttp.HttpVersion11:
        response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError, OSError):
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _path(request: web.BaseRequest) -> str:
    path = request.path_qs if "://" in request.raw_path else request.raw_path
    return path if path.startswith("/") else f"/{path}"


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    kept: CIMultiDict[str] = CIMultiDict(headers)
    named = {part.strip().lower() for value in kept.getall("Connection", []) for part in value.split(",")}
    for name in HOP_BY_HOP | named:
        kept.popall(name, None)
    return kept
