"""The actuator, port 8081: health, facts and metrics, never reachable through the load balancer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from orders.database import ping
from orders.problems import handle_problems
from orders.readiness import Lifecycle, Readiness
from orders.settings import Settings


@dataclass(frozen=True)
class Facts:
    """What this process is: shown by /actuator/info."""

    version: str
    commit: str
    environment: str
    image: str | None
    image_digest: str | None
    started: datetime

    @classmethod
    def of(cls, settings: Settings, *, started: datetime | None = None) -> "Facts":
        return cls(
            version=settings.service_version,
            commit=settings.service_commit,
            environment=settings.environment_name,
            image=settings.image_uri or None,
            image_digest=settings.image_digest,
            started=started or datetime.now(UTC),
        )


def make_actuator(
    *,
    facts: Facts,
    lifecycle: Lifecycle,
    registry: CollectorRegistry,
    probe: Engine,
    ask_database: Callable[[Engine], None] = ping,
) -> FastAPI:
    """The actuator. `probe` is an engine of its own, so a health check never waits behind requests.

    Nor for a thread: plain functions would share the API's, which all wait when the database is slow.
    """
    actuator = FastAPI(title="orders actuator", docs_url=None, redoc_url=None, openapi_url=None)
    handle_problems(actuator)

    def get(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """HEAD too, for monitors that ask for no body; the server underneath leaves it out."""
        return actuator.api_route(path, methods=["GET", "HEAD"])

    @get("/actuator/health")
    async def health() -> JSONResponse:
        """The whole truth, the database asked just now. 503 when it is down or the service is not ready."""
        database = await asyncio.to_thread(_ask, probe, ask_database)
        up = database["status"] == "UP" and lifecycle.state is Readiness.READY
        body = {
            "status": "UP" if up else "DOWN",
            "components": {"database": database, "readiness": _readiness(lifecycle)},
        }
        return JSONResponse(body, HTTPStatus.OK if up else HTTPStatus.SERVICE_UNAVAILABLE)

    @get("/actuator/health/liveness")
    async def liveness() -> dict[str, str]:
        """The process answers. ECS kills the container when it does not."""
        return {"status": "UP"}

    @get("/actuator/health/readiness")
    async def readiness() -> JSONResponse:
        """The load balancer's question."""
        ready = lifecycle.state is Readiness.READY
        return JSONResponse(_readiness(lifecycle), HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    @get("/actuator/info")
    async def info() -> Facts:
        return facts

    @get("/actuator/prometheus")
    async def prometheus() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return actuator


def _readiness(lifecycle: Lifecycle) -> dict[str, str]:
    if lifecycle.state is Readiness.READY:
        return {"status": "UP"}
    return {"status": "OUT_OF_SERVICE", "reason": lifecycle.reason}


def _ask(probe: Engine, ask_database: Callable[[Engine], None]) -> dict[str, object]:
    begun = monotonic()
    try:
        ask_database(probe)
    except SQLAlchemyError as error:
        return {"status": "DOWN", "error": str(getattr(error, "orig", None) or error)}
    except Exception as error:  # noqa: BLE001 - a host name that is none, say: whatever it is, it is no answer
        return {"status": "DOWN", "error": f"{type(error).__name__}: {error}"}
    return {"status": "UP", "milliseconds": round((monotonic() - begun) * 1000, 1)}
