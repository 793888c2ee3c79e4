"""`orders migrate`: bring the schema to this image's newest revision, one task at a time."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic import command
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from orders.database import is_unavailable
from orders.readiness import current_revision
from orders.schema import SchemaState, alembic_config, judge_schema

log = logging.getLogger("orders.migrate")

_PAUSE_SECONDS = 1.0


class MigrationError(Exception):
    """The schema could not be brought up; the message says why in one line."""


def migrate(
    engine: Engine,
    *,
    database: str,
    wait_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Upgrade to the head. Waits up to `wait_seconds` for a database that is still coming up.

    A connection lost half way is tried again too: every migration may be run twice. Raises MigrationError.
    """
    deadline = clock() + wait_seconds
    while True:
        try:
            with _alone(engine, database, seconds=max(1, int(deadline - clock()))) as connection:
                _upgrade(engine, connection)
            return
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if not is_unavailable(error):
                raise MigrationError(f"a migration failed: {cause}") from error
            if clock() >= deadline:
                raise MigrationError(f"no database within {wait_seconds:.0f} s: {cause}") from error
            log.info("waiting for the database", extra={"cause": str(cause)})
            sleep(_PAUSE_SECONDS)


def _upgrade(engine: Engine, connection: Connection) -> None:
    before = current_revision(engine)
    state = judge_schema(before)
    if state is SchemaState.AHEAD:
        # A newer release migrated already, and this is an older task starting again: nothing of ours to do.
        log.warning("the schema is newer than this version", extra={"revision": before})
        return
    if state is SchemaState.CURRENT:
        log.info("the schema is current", extra={"revision": before})
        return
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    log.info("migrated", extra={"revision_before": before, "revision": current_revision(engine)})


@contextmanager
def _alone(engine: Engine, database: str, *, seconds: int) -> Iterator[Connection]:
    """Hold MySQL's named lock for this database; it goes with the connection, so a dead task lets go of it.

    https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
    """
    name = lock_name(database)
    with engine.connect() as connection:
        got = connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": seconds})
        if got != 1:
            raise MigrationError(f"another task has been migrating for more than {seconds} s")
        # Alembic commits only transactions that it began itself.
        connection.commit()
        yield connection


def lock_name(database: str) -> str:
    """A lock's name is the whole server's, so it carries the database; MySQL allows 64 characters."""
    return "migrate-" + hashlib.sha256(database.encode()).hexdigest()[:16]
