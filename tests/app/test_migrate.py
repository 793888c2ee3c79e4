"""The migrations against a real database."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from orders.database import make_migration_engine
from orders.migrate import MigrationError, lock_name, migrate
from orders.model import Base
from orders.readiness import current_revision
from orders.settings import Settings
from sqlalchemy import Engine, text

pytestmark = pytest.mark.docker

HEAD = "0001"


@dataclass
class FrozenTime:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def run(settings: Settings, wait_seconds: float = 10) -> None:
    migrate(make_migration_engine(settings), database=settings.database_name, wait_seconds=wait_seconds)


def test_an_empty_database_is_brought_to_the_newest_revision(empty: Settings) -> None:
    run(empty)

    assert HEAD == current_revision(make_migration_engine(empty))


def test_the_migrations_make_exactly_the_model(empty: Settings) -> None:
    run(empty)

    with make_migration_engine(empty).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert [] == compare_metadata(context, Base.metadata)


def test_a_second_run_changes_nothing(empty: Settings, caplog: pytest.LogCaptureFixture) -> None:
    run(empty)
    caplog.set_level(logging.INFO)
    caplog.clear()

    run(empty)

    assert ["the schema is current"] == [
        each.message for each in caplog.records if each.name == "orders.migrate"
    ]


def test_tasks_that_migrate_at_once_take_turns(empty: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, empty) for _ in range(4)]:
            done.result()

    with make_migration_engine(empty).connect() as connection:
        assert [HEAD] == list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def test_a_run_that_was_cut_short_is_carried_on(empty: Settings) -> None:
    run(empty)
    with make_migration_engine(empty).begin() as connection:
        # The table was made, and the task died before the version was written.
        connection.execute(text("DELETE FROM alembic_version"))

    run(empty)

    assert HEAD == current_revision(make_migration_engine(empty))


def test_a_schema_from_a_newer_release_is_left_alone(
    empty: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    run(empty)
    with make_migration_engine(empty).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    run(empty)

    assert "9999" == current_revision(make_migration_engine(empty))
    assert "the schema is newer than this version" in caplog.messages


def test_another_task_that_never_ends_is_told(empty: Settings) -> None:
    holding = make_migration_engine(empty)
    with holding.connect() as connection:
        connection.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": lock_name(empty.database_name)})

        with pytest.raises(MigrationError, match="another task has been migrating for more than 1 s"):
            run(empty, wait_seconds=1)


def test_a_database_that_stays_away_is_given_up(nobody: Settings) -> None:
    time = FrozenTime()

    with pytest.raises(MigrationError, match=r"^no database within 5 s: .*Can't connect") as caught:
        migrate(
            make_migration_engine(nobody),
            database="orders",
            wait_seconds=5,
            sleep=time.sleep,
            clock=time.clock,
        )

    assert [1.0] * 5 == time.slept
    assert "secret-word" not in str(caught.value)


def test_a_migration_waits_only_briefly_for_a_table_in_use(empty: Settings) -> None:
    # Everything that comes after a waiting ALTER TABLE waits as well; MySQL's default is a year.
    with make_migration_engine(empty).connect() as connection:
        assert 5 == connection.scalar(text("SELECT @@SESSION.lock_wait_timeout"))


def test_a_connection_that_was_dropped_during_a_long_migration_is_noticed_within_minutes(
    empty: Settings,
) -> None:
    with make_migration_engine(empty).connect() as connection:
        dbapi: Any = connection.connection.dbapi_connection

        assert [1, 60, 10, 6] == [
            dbapi._sock.getsockopt(*option)
            for option in (
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            )
        ]


def test_the_order_table_can_hold_what_the_api_lets_in(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO orders (item, quantity, created_at, idempotency_key) "
                "VALUES (:i, 10000, NOW(6), :k)"
            ),
            {"i": "🍵" * 100, "k": "~" * 200},
        )

        assert "🍵" * 100 == connection.scalar(text("SELECT item FROM orders"))
