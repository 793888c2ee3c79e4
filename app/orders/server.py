"""`orders serve`: both servers in one process, and an orderly end.

On SIGTERM: not ready from that moment, still serving; once no request has come for a moment, nothing new is
accepted; what is in flight is finished; exit 0. All within SHUTDOWN_GRACE_SECONDS, which must be shorter than
the task definition's stopTimeout, after which ECS sends SIGKILL:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from orders.actuator import Facts, make_actuator
from orders.api import make_api
from orders.database import make_engine, make_probe_engine
from orders.metrics import Metrics
from orders.middleware import Requests, Traffic
from orders.protocol import http_protocol
from orders.readiness import Lifecycle, look_for_schema
from orders.settings import Settings
from orders.store import OrderStore

log = logging.getLogger("orders.server")

# Longer than the load balancer's idle timeout (60 s by default): were we the first to close, a request on its
# way would meet a closed connection and the client would get a 502.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
KEEP_ALIVE_SECONDS = 75
QUIET_SECONDS = 1.0
SCHEMA_PAUSE_SECONDS = 1.0


class ListenError(Exception):
    """A port can't be listened on; the message is one line."""


class _Server(uvicorn.Server):
    """uvicorn, leaving the signals to us: one SIGTERM must stop two servers in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Service:
    """The two servers, what they share, and their life from start to SIGTERM."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.lifecycle = Lifecycle()
        self._traffic = Traffic()
        self._stop = asyncio.Event()
        self._hurry = False
        engine = make_engine(settings)
        self._probe = make_probe_engine(settings)
        metrics = Metrics(version=settings.service_version, commit=settings.service_commit, engine=engine)
        api = make_api(OrderStore(engine), version=settings.service_version)
        self.api = Requests(
            api,
            version=settings.service_version,
            image_digest=settings.image_digest,
            metrics=metrics,
            traffic=self._traffic,
            draining=self._stop.is_set,
        )
        self.actuator = make_actuator(
            facts=Facts.of(settings), lifecycle=self.lifecycle, registry=metrics.registry, probe=self._probe
        )

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; gives the exit code. Raises ListenError before anything starts."""
        loop = asyncio.get_running_loop()
        api_socket, actuator_socket = listen(self._settings.api_port), listen(self._settings.actuator_port)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        api, actuator = self._server(self.api), self._server(self.actuator)
        schema = asyncio.create_task(self._wait_for_schema())
        log.info(
            "serving",
            extra={"api_port": self._settings.api_port, "actuator_port": self._settings.actuator_port},
        )
        servers = [
            asyncio.create_task(api.serve(sockets=[api_socket])),
            asyncio.create_task(actuator.serve(sockets=[actuator_socket])),
        ]
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stop, *servers], return_when=asyncio.FIRST_COMPLETED)
        schema.cancel()
        if not self._stop.is_set():
            log.error("a server ended by itself")
            return 1
        await self._drain(api, servers[0])
        actuator.should_exit = True
        await asyncio.wait([servers[1]], timeout=0.5)
        return 0

    async def _drain(self, api: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.shutdown_grace_seconds
        # Where nothing took this task out of the load balancer first, requests still come: serve them, but
        # for half the time at most.
        listening_until = loop.time() + self._settings.shutdown_grace_seconds / 2
        while self._traffic.quiet_for() < QUIET_SECONDS and loop.time() < listening_until and not self._hurry:
            await asyncio.sleep(0.05)
        api.should_exit = True
        # Half a second is kept for the actuator's end and the last log line.
        left = max(0.1, deadline - loop.time() - 0.5)
        await asyncio.wait([serving], timeout=left if not self._hurry else 0.1)
        if not serving.done() or self._traffic.in_flight:
            log.warning("requests were cut off", extra={"in_flight": self._traffic.in_flight})
            api.force_exit = True
            serving.cancel()

    async def _wait_for_schema(self) -> None:
        said = ""
        while not await asyncio.to_thread(look_for_schema, self._probe, self.lifecycle):
            if self.lifecycle.reason != said:
                said = self.lifecycle.reason
                log.info("not ready yet", extra={"reason": said})
            await asyncio.sleep(SCHEMA_PAUSE_SECONDS)
        log.info("ready")

    def _on_signal(self, number: int) -> None:
        self._hurry = self._stop.is_set()
        log.info(
            "stopping", extra={"signal": signal.Signals(number).name, "in_flight": self._traffic.in_flight}
        )
        self.lifecycle.stop()
        self._stop.set()

    def _server(self, app: Any) -> uvicorn.Server:
        return _Server(
            uvicorn.Config(
                app,
                http=http_protocol(
                    version=self._settings.service_version, image_digest=self._settings.image_digest
                ),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )


def serve(settings: Settings) -> None:
    """Run the service to its end and leave the process. Raises ListenError."""

    async def run() -> None:
        code = await Service(settings).run()
        log.info("stopped", extra={"exit_code": code})
        logging.shutdown()
        sys.stdout.flush()
        # A request that was cut off may still sit in a thread and wait for the database; Python would too.
        os._exit(code)

    asyncio.run(run())


def listen(port: int) -> socket.socket:
    """A listening socket whose connections send each answer at once. Raises ListenError."""
    try:
        listener = socket.create_server(("0.0.0.0", port), backlog=2048)  # noqa: S104  a container serves its network
    except OSError as error:
        raise ListenError(f"port {port} can't be listened on: {os.strerror(error.errno or 0)}") from error
    # asyncio sets TCP_NODELAY only on a socket made with IPPROTO_TCP, and create_server names no protocol.
    # Without TCP_NODELAY, the body waits until the client acknowledges the head, which takes 40 ms.
    # An accepted socket inherits the option: https://man7.org/linux/man-pages/man7/tcp.7.html
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
