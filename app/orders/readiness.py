"""Whether the load balancer may send requests here."""

import threading
from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from orders.schema import SchemaState, judge_schema


class Readiness(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class Lifecycle:
    """Ready once the database was reached with a usable schema; not ready again from the first SIGTERM on.

    A later database outage changes nothing here: ECS replaces every task whose target is unhealthy, and
    new tasks would not find the database either. docs/decisions/2026-11-23-health-endpoints.md
    """

    def __init__(self) -> None:
        self.reason = "the database has not been reached yet"
        self._schema_seen = threading.Event()
        self._stopping = threading.Event()

    @property
    def state(self) -> Readiness:
        if self._stopping.is_set():
            return Readiness.STOPPING
        return Readiness.READY if self._schema_seen.is_set() else Readiness.STARTING

    def schema_usable(self) -> None:
        self.reason = ""
        self._schema_seen.set()

    def stop(self) -> None:
        self.reason = "the service is shutting down"
        self._stopping.set()


def look_for_schema(
    engine: Engine, lifecycle: Lifecycle, judge: Callable[[str | None], SchemaState] = judge_schema
) -> bool:
    """Ask the database once and tell the lifecycle what was found. True when nothing is left to wait for."""
    try:
        state = judge(current_revision(engine))
    except SQLAlchemyError as error:
        lifecycle.reason = f"the database does not answer: {getattr(error, 'orig', None) or error}"
        return False
    except Exception as error:  # noqa: BLE001 - a host name that is none, say: the reason must be seen, whatever it is
        lifecycle.reason = f"the schema can't be judged: {type(error).__name__}: {error}"
        return False
    if not state.usable:
        lifecycle.reason = f"the database's schema is {state}: run the migrations"
        return False
    lifecycle.schema_usable()
    return True


def current_revision(engine: Engine) -> str | None:
    """The migration that the database is at, or None when none ever ran. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision
