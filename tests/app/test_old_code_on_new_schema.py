"""The version that runs passes its smoke tests on the schema of the next one, which has migrated already."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import docker
import pytest
import requests
from alembic import command
from alembic.script import ScriptDirectory
from orders.database import make_migration_engine
from orders.migrate import migrate
from orders.readiness import current_revision
from orders.schema import alembic_config
from orders.settings import Settings

from pipeline.checks import smoke, smoke_file
from tests.app.containers import APP, VERSION, Database, RunningService, eventually, started_service
from tests.app.expand_only import judge

pytestmark = pytest.mark.docker

EXPANDS = [
    'op.add_column("orders", sa.Column("note", sa.Text))',
    'op.add_column("orders", sa.Column("gift", sa.Boolean, nullable=False, server_default=sa.false()))',
    'op.create_index("ix_orders_item", "orders", ["item"])',
    (
        'op.alter_column("orders", "item", existing_type=sa.String(100), type_=sa.String(200), nullable=True,'
        " existing_server_default=None)"
    ),
    'op.create_table("parcels", sa.Column("id", sa.BigInteger, primary_key=True))',
]
CONTRACTS = {
    "renames the column orders.item": (
        'op.alter_column("orders", "item", existing_type=sa.String(100), new_column_name="article")'
    ),
    "adds orders.note NOT NULL": 'op.add_column("orders", sa.Column("note", sa.String(9), nullable=False))',
    "makes orders.item VARCHAR(2)": (
        'op.alter_column("orders", "item", existing_type=sa.String(100), type_=sa.String(2))'
    ),
}


class NextRelease:
    """The migrations of the next version: this one's, and some more."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._newest = self.scripts().get_current_head()

    def migration(self, body: str) -> None:
        revision = f"next{len(list(self._directory.iterdir()))}"
        (self._directory / f"{revision}.py").write_text(
            "import sqlalchemy as sa\n"
            "from alembic import op\n"
            f"revision, down_revision = {revision!r}, {self._newest!r}\n"
            f"def upgrade():\n{indent(body, '    ')}\n"
        )
        self._newest = revision

    def scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config())

    def migrate(self, settings: Settings) -> None:
        config = self._config()
        engine = make_migration_engine(settings)
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine.dispose()

    def _config(self):
        config = alembic_config()
        own = Path(config.get_main_option("script_location")) / "versions"
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", f"{own}{os.pathsep}{self._directory}")
        return config


@pytest.fixture
def next_release(tmp_path: Path) -> NextRelease:
    return NextRelease(tmp_path)


@pytest.fixture
def schema(empty: Settings) -> Settings:
    """A database that this version has migrated."""
    migrate(make_migration_engine(empty), database=empty.database_name, wait_seconds=30)
    return empty


@pytest.fixture
def this_version(engine_client: docker.DockerClient, image: str, network: str, database: Database):
    @contextmanager
    def run(settings: Settings, command: str = "serve") -> Iterator[RunningService]:
        environment = database.environment() | {"DATABASE_NAME": settings.database_name}
        with started_service(engine_client, image, environment, network=network, command=command) as service:
            yield service

    return run


def smoke_tests(service: RunningService) -> dict[str, str]:
    """What failed, and why: the same checks that a deploy makes."""
    content = smoke_file.load(APP / "smoke.yaml")
    target = smoke.Target(service.api, probe=content.probe, version=VERSION, settle_seconds=5)
    checks = [*smoke.generic_checks(target), *smoke_file.checks(content, service.api)]
    outcomes = smoke.run(checks, requests.Session(), lambda _: None)
    return {outcome.name: outcome.detail for outcome in outcomes if not outcome.passed}


def test_the_old_code_passes_its_smoke_tests_on_a_schema_that_only_grew(
    next_release: NextRelease, schema: Settings, this_version
) -> None:
    for body in EXPANDS:
        next_release.migration(body)
    next_release.migrate(schema)

    with this_version(schema) as service:
        eventually(service.ready)

        assert [] == judge(next_release.scripts())
        assert {} == smoke_tests(service)


def test_it_keeps_passing_them_while_the_schema_grows_under_it(
    next_release: NextRelease, schema: Settings, this_version
) -> None:
    with this_version(schema) as service:
        eventually(service.ready)

        for body in EXPANDS:
            next_release.migration(body)
            next_release.migrate(schema)

            assert {} == smoke_tests(service)


def test_the_old_code_leaves_the_newer_schema_alone(
    next_release: NextRelease, schema: Settings, this_version
) -> None:
    next_release.migration(EXPANDS[0])
    next_release.migrate(schema)

    with this_version(schema, command="migrate") as migration:
        ended = migration.container.wait(timeout=30)

    assert 0 == ended["StatusCode"]
    assert "next0" == current_revision(make_migration_engine(schema))


@pytest.mark.parametrize(("fault", "body"), CONTRACTS.items(), ids=CONTRACTS)
def test_what_the_check_refuses_does_break_the_old_code(
    next_release: NextRelease, schema: Settings, this_version, fault: str, body: str
) -> None:
    next_release.migration(body)
    next_release.migrate(schema)

    with this_version(schema) as service:
        eventually(service.ready)

        (refused,) = judge(next_release.scripts())
        assert refused.startswith(f"next0: {fault}")
        assert smoke_tests(service)
