"""Connections to MySQL (or MariaDB), and the one judgement of which errors mean that it is away."""

import socket
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from orders.settings import Settings

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 10
POOL_WAIT_SECONDS = 3
TABLE_LOCK_SECONDS = 5
# After a minute of silence, every ten seconds, six times.
KEEPALIVE = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 6}
# Below MySQL's own idle limit and any firewall's; a stale connection is also caught by a ping.
RECYCLE_SECONDS = 300
# No database restarts or fails over in a tenth of a second, so a connection used since then needs no ping.
IDLE_SECONDS = 0.1

# It can't be reached, does not let us in, is stopping, is full, is offline or read-only during a failover,
# gave up a statement (deadlock, timeout, KILL), or someone held a lock too long. Anything else is our own
# mistake. https://dev.mysql.com/doc/mysql-errors/8.4/en/
_AWAY = frozenset(
    {1040, 1042, 1044, 1045, 1049, 1053, 1077, 1078, 1079, 1080, 1129, 1130, 1158, 1159, 1160, 1161, 1203}
    | {1205, 1213, 1226, 1290, 1317, 1836, 2002, 2003, 2005, 2006, 2013, 2055, 3024, 3032, 3159, 3168}
)
_DEADLOCK = 1213


def make_engine(settings: Settings) -> Engine:
    """The pool that requests share. A statement gives up after STATEMENT_SECONDS."""
    engine = _engine(
        settings,
        # Gap locks of the default REPEATABLE READ make concurrent inserts of one key deadlock.
        isolation_level="READ COMMITTED",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=RECYCLE_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": STATEMENT_SECONDS,
            "write_timeout": STATEMENT_SECONDS,
        },
    )
    ping_idle_connections(engine)
    return engine


def ping_idle_connections(
    engine: Engine,
    *,
    ping: Callable[[Any], object] | None = None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Ping a connection before a request gets it, if the connection was idle for IDLE_SECONDS.

    SQLAlchemy's `pool_pre_ping` does so before every request, for a round trip each. A connection that does
    not answer is replaced, and so is every other one in the pool.
    """
    ask = ping or engine.dialect.do_ping

    @event.listens_for(engine, "checkin")
    def _note_time(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["returned"] = now()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if now() - record.info.get("returned", now()) < IDLE_SECONDS:
            return
        try:
            ask(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def make_probe_engine(settings: Settings, *, seconds: int = 2) -> Engine:
    """Connections outside the pool: a health check neither waits for requests nor starves them."""
    return _engine(
        settings,
        poolclass=NullPool,
        connect_args={"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds},
    )


def make_migration_engine(settings: Settings) -> Engine:
    """Connections without a statement timeout: a migration takes as long as it takes.

    The network may drop a connection during a long ALTER TABLE, which Linux would notice after two hours.

    But it waits only briefly for the table itself: everything behind a waiting ALTER TABLE waits too, and
    MySQL's default is a year. https://dev.mysql.com/doc/refman/8.4/en/metadata-locking.html
    """
    engine = _engine(
        settings,
        poolclass=NullPool,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "init_command": f"SET SESSION lock_wait_timeout = {TABLE_LOCK_SECONDS}",
        },
    )
    event.listen(engine, "connect", _keep_asking_after)
    return engine


def _keep_asking_after(connection: Any, _: object) -> None:
    # PyMySQL turns keepalive on, but takes no times for it.
    for option, number in KEEPALIVE.items():
        connection._sock.setsockopt(socket.IPPROTO_TCP, option, number)


def ping(engine: Engine) -> None:
    """Raises SQLAlchemyError when the database does not answer."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Does this error mean that the database is away, not that we asked it something wrong?"""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or error_code(error) in _AWAY


def is_deadlock(error: SQLAlchemyError) -> bool:
    """MySQL rolled the whole transaction back and asks for it again."""
    return error_code(error) == _DEADLOCK


def error_code(error: SQLAlchemyError) -> int | None:
    """MySQL's error number, where there is one."""
    arguments = getattr(getattr(error, "orig", None), "args", ())
    # PyMySQL says (0, '') when it finds that its own socket is gone.
    code = arguments[0] if arguments and isinstance(arguments[0], int) else None
    return 2006 if code == 0 else code


def _engine(settings: Settings, **options: Any) -> Engine:
    # Else an error's text, which is logged, repeats what a customer sent.
    return create_engine(_url(settings), hide_parameters=True, **options)


def _url(settings: Settings) -> URL:
    return URL.create(
        "mysql+pymysql",
        username=settings.database_user,
        password=settings.database_password.get_secret_value(),
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        query={"charset": "utf8mb4"},
    )
