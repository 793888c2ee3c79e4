"""A real MySQL-compatible database and the real image, made once for the tests marked docker."""

import os
import uuid
from collections.abc import Iterator

import docker
import pytest
from orders.database import make_engine, make_migration_engine
from orders.migrate import migrate
from orders.settings import Settings
from pydantic import SecretStr
from sqlalchemy import Engine, text

from local_aws.host.base_images import base_images
from local_aws.host.docker_engine import ensure_engine
from tests.app.containers import DATABASE, Database, build_image, clear_environment, started_database


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture
def nobody() -> Settings:
    """Settings of a database that is not there; its password is "secret-word"."""
    return Settings(
        database_host="127.0.0.1",
        database_port=1,
        database_name="orders",
        database_user="orders",
        database_password=SecretStr("secret-word"),
    )


@pytest.fixture(scope="package")
def engine_client() -> Iterator[docker.DockerClient]:
    ensure_engine(print)
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="package")
def network(engine_client: docker.DockerClient) -> Iterator[str]:
    network = engine_client.networks.create(f"slipway-test-app-{os.getpid()}", labels={"slipway.test": "app"})
    yield network.name
    network.remove()


@pytest.fixture(scope="package")
def database(engine_client: docker.DockerClient, network: str) -> Iterator[Database]:
    with started_database(engine_client, network, base_images(engine_client, print).database) as database:
        yield database


@pytest.fixture(scope="package")
def settings(database: Database) -> Settings:
    return Settings(**database.settings_from_host())


@pytest.fixture(scope="package")
def _migrated_engine(settings: Settings) -> Iterator[Engine]:
    migrate(make_migration_engine(settings), database=DATABASE, wait_seconds=30)
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(_migrated_engine: Engine) -> Engine:
    """The service's own pool on a migrated database without orders."""
    with _migrated_engine.begin() as connection:
        connection.execute(text("DELETE FROM orders"))
    return _migrated_engine


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    """Settings of a new, empty database on the same server."""
    name = f"migrate_{uuid.uuid4().hex[:8]}"
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    yield settings.model_copy(update={"database_name": name})
    with engine.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()


@pytest.fixture(scope="package")
def image(engine_client: docker.DockerClient) -> str:
    """The service's image, built as the pipeline builds it."""
    return build_image(engine_client, base_images(engine_client, print).python)
