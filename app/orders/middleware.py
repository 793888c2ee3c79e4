"""What surrounds every API request: its id, version header, log line, metrics; HEAD; overload; draining."""

import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus

from anyio.to_thread import current_default_thread_limiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders import logs
from orders.metrics import UNMATCHED, Metrics
from orders.problems import LARGEST_BODY_BYTES, Problem, busy

log = logging.getLogger("orders.access")

_SANE_ID = re.compile(r"^[A-Za-z0-9._:=/+-]{1,128}$")


class Traffic:
    """How many requests are being answered, and when the last one came: what draining waits for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.in_flight = 0
        self.last_arrival = clock()

    def arrived(self) -> None:
        self.in_flight += 1
        self.last_arrival = self._clock()

    def answered(self) -> None:
        self.in_flight -= 1

    def quiet_for(self) -> float:
        """Seconds since the last request came; 0 while one is being answered."""
        return 0.0 if self.in_flight else self._clock() - self.last_arrival


class Requests:
    """ASGI middleware, outermost, so that even a 500 carries the id and the version."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        version: str,
        image_digest: str | None,
        metrics: Metrics,
        traffic: Traffic,
        draining: Callable[[], bool],
    ) -> None:
        self._app = app
        self._version = version
        self._image_digest = image_digest
        self._metrics = metrics
        self._traffic = traffic
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        # A copy, because the server underneath must still know that it was a HEAD, which has no body.
        inner = dict(scope, method="GET" if method == "HEAD" else method)
        status = 0

        async def send_decorated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._decorate(MutableHeaders(scope=message), identity)
            elif method == "HEAD" and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        identity = _request_id(scope)
        token = logs.request_id.set(identity)
        begun = time.monotonic()
        self._traffic.arrived()
        self._metrics.in_flight.inc()
        try:
            await self._choose(scope)(inner, receive, send_decorated)
        except Exception:
            # The answer is out already (problems.py); Starlette raises the error again for whoever logs it.
            log.exception("unhandled error")
        finally:
            self._traffic.answered()
            self._metrics.in_flight.dec()
            seconds = time.monotonic() - begun
            route = getattr(inner.get("route"), "path", UNMATCHED)
            self._metrics.request(method=method, route=route, status=status, seconds=seconds)
            log.info(
                "request",
                extra={
                    "method": method,
                    "path": scope["path"],
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 1),
                },
            )
            logs.request_id.reset(token)

    def _choose(self, scope: Scope) -> ASGIApp:
        # FastAPI's own limit answers in plain text when the length is announced.
        if _announced_length(scope) > LARGEST_BODY_BYTES:
            return _too_large
        return _busy if _too_many_wait() else self._app

    def _decorate(self, headers: MutableHeaders, identity: str) -> None:
        headers["X-Service-Version"] = self._version
        if self._image_digest is not None:
            headers["X-Image-Digest"] = self._image_digest
        headers["X-Request-Id"] = identity
        if "allow" in headers and "GET" in headers["allow"] and "HEAD" not in headers["allow"]:
            headers["allow"] += ", HEAD"
        if self._draining():
            # The load balancer then opens its next connection elsewhere, instead of finding this one shut.
            headers["Connection"] = "close"


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {LARGEST_BODY_BYTES} bytes at most."
    )
    await problem.response()(scope, receive, send)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    await busy().response()(scope, receive, send)


def _too_many_wait() -> bool:
    """Is every thread taken, and do as many requests wait for one? By default 40 and 40.

    Each plain endpoint takes a thread, and a database that hangs lets none go for seconds: without an end to
    the queue its last request would wait for minutes. Threads are counted, not requests in flight, for a slow
    client holds up a request but no thread. uvicorn's `limit_concurrency` answers without the version.
    """
    threads = current_default_thread_limiter().statistics()
    return threads.tasks_waiting >= threads.total_tokens


def _announced_length(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    return int(announced) if announced.isascii() and announced.isdigit() else 0


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _SANE_ID.match(given) else logs.new_request_id()
