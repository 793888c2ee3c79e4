"""The links in MySQL: a connection per request, SQL by hand, and one SQL file as the whole migration."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

SCHEMA = Path(__file__).parent / "schema.sql"


@contextmanager
def cursor(statement_seconds: int | None = 5) -> Iterator[Any]:
    connection = pymysql.connect(
        host=os.environ["DATABASE_HOST"],
        port=int(os.environ["DATABASE_PORT"]),
        database=os.environ["DATABASE_NAME"],
        user=os.environ["DATABASE_USER"],
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=3,
        read_timeout=statement_seconds,
        write_timeout=statement_seconds,
        autocommit=True,
        cursorclass=DictCursor,
    )
    with connection, connection.cursor() as it:
        yield it


def migrate(*, wait_seconds: float = 120, pause_seconds: float = 1) -> int:
    """Apply schema.sql once a database answers; two tasks at once take turns. Gives the exit code."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with cursor(statement_seconds=None) as it:
                it.execute("SELECT GET_LOCK('links-migrate', 60) AS mine")
                if it.fetchone()["mine"] != 1:
                    raise TimeoutError("another task has been migrating for a minute")
                it.execute(SCHEMA.read_text(encoding="utf-8"))
            return 0
        except pymysql.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause_seconds)


def usable() -> bool:
    """Did the database answer, with the table there?"""
    try:
        newest()
    except pymysql.Error:
        return False
    return True


def newest() -> list[dict[str, str]]:
    with cursor() as it:
        it.execute("SELECT name, url FROM links ORDER BY kept DESC LIMIT 50")
        return list(it.fetchall())


def find(name: str) -> str | None:
    with cursor() as it:
        it.execute("SELECT url FROM links WHERE name = %s", (name,))
        row = it.fetchone()
        return row["url"] if row else None


def keep(name: str, url: str) -> None:
    with cursor() as it:
        it.execute(
            "INSERT INTO links (name, url) VALUES (%s, %s) ON DUPLICATE KEY UPDATE url = %s", (name, url, url)
        )


def forget(name: str) -> bool:
    with cursor() as it:
        return bool(it.execute("DELETE FROM links WHERE name = %s", (name,)))
