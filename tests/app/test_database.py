import logging
import sqlite3
from collections.abc import Callable

import pymysql
import pytest
from orders.database import (
    IDLE_SECONDS,
    is_deadlock,
    is_unavailable,
    make_engine,
    make_migration_engine,
    make_probe_engine,
    ping_idle_connections,
)
from orders.logs import JsonFormatter
from orders.settings import Settings
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool


def mysql_error(code: int, kind: type[DBAPIError] = OperationalError) -> DBAPIError:
    return kind("SELECT 1", None, pymysql.err.OperationalError(code, "said MySQL"))


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (1040, "too many connections"),
        (1045, "access denied"),
        (1053, "server shutdown in progress"),
        (1205, "lock wait timeout"),
        (1213, "deadlock"),
        (1290, "read-only during a failover"),
        (1317, "query interrupted"),
        (2003, "can't connect"),
        (2006, "server has gone away"),
        (2013, "lost connection"),
        (3024, "statement took too long"),
        (3032, "offline mode"),
        (3168, "server isn't available"),
    ],
)
def test_the_database_is_away_when_mysql_says(code: int, meaning: str) -> None:
    assert is_unavailable(mysql_error(code)), meaning


@pytest.mark.parametrize(
    ("code", "meaning"), [(1054, "unknown column"), (1146, "no such table"), (1064, "syntax")]
)
def test_our_own_mistake_is_not_an_outage(code: int, meaning: str) -> None:
    assert not is_unavailable(mysql_error(code)), meaning


def test_a_socket_that_pymysql_found_closed_counts_as_away() -> None:
    assert is_unavailable(InterfaceError("SELECT 1", None, pymysql.err.InterfaceError(0, "")))


def test_an_exhausted_pool_counts_as_away() -> None:
    assert is_unavailable(PoolTimeoutError("QueuePool limit reached"))


def test_a_duplicate_key_is_no_outage() -> None:
    assert not is_unavailable(mysql_error(1062, IntegrityError))


def test_misusing_sqlalchemy_is_no_outage() -> None:
    assert not is_unavailable(InvalidRequestError("no such session"))


def test_a_deadlock_is_told_from_a_lock_timeout() -> None:
    assert is_deadlock(mysql_error(1213))
    assert not is_deadlock(mysql_error(1205))


@pytest.mark.docker
@pytest.mark.parametrize("make", [make_engine, make_probe_engine, make_migration_engine])
def test_a_statement_that_fails_is_logged_without_its_values(
    make: Callable[[Settings], Engine], settings: Settings
) -> None:
    sent = {"item": "what a customer sent"}  # on a line of its own, which no traceback shows
    with make(settings).connect() as connection, pytest.raises(ProgrammingError) as caught:
        connection.execute(text("SELECT :item FROM nowhere"), sent)

    error = (caught.type, caught.value, caught.tb)
    line = JsonFormatter("v1").format(logging.makeLogRecord({"exc_info": error}))
    assert "SELECT %(item)s FROM nowhere" in line
    assert sent["item"] not in line


class Pool:
    """A pool of one connection, whose time and pings the test sees."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pings = 0
        self.answers = True
        self._engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1)
        ping_idle_connections(self._engine, ping=self._ping, now=lambda: self.time)

    def use(self) -> object:
        """Lend the connection once, and say which one it was."""
        with self._engine.connect() as connection:
            return connection.connection.dbapi_connection

    def _ping(self, _: object) -> None:
        self.pings += 1
        if not self.answers:
            raise sqlite3.OperationalError("Lost connection")


def test_a_connection_that_was_just_used_is_not_pinged() -> None:
    pool = Pool()
    first, second = pool.use(), pool.use()

    assert first is second
    assert 0 == pool.pings


def test_an_idle_connection_is_pinged_before_it_is_lent() -> None:
    pool = Pool()
    first = pool.use()
    pool.time += IDLE_SECONDS
    second = pool.use()

    assert first is second
    assert 1 == pool.pings


def test_an_idle_connection_that_does_not_answer_is_replaced() -> None:
    pool = Pool()
    first = pool.use()
    pool.time += IDLE_SECONDS
    pool.answers = False

    assert pool.use() is not first
    assert 1 == pool.pings
