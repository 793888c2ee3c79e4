from orders import readiness
from orders.database import make_probe_engine
from orders.readiness import Lifecycle, Readiness, look_for_schema
from orders.schema import SchemaState
from orders.settings import Settings
from sqlalchemy import create_engine, text


def test_a_service_starts_not_ready() -> None:
    assert Readiness.STARTING == Lifecycle().state


def test_a_usable_schema_makes_it_ready() -> None:
    lifecycle = Lifecycle()
    engine = create_engine("sqlite://")

    assert look_for_schema(engine, lifecycle, lambda _: SchemaState.CURRENT)
    assert Readiness.READY == lifecycle.state


def test_a_schema_that_is_behind_does_not_and_says_why() -> None:
    lifecycle = Lifecycle()

    assert not look_for_schema(create_engine("sqlite://"), lifecycle, lambda _: SchemaState.BEHIND)
    assert Readiness.STARTING == lifecycle.state
    assert "the database's schema is behind: run the migrations" == lifecycle.reason


def test_a_database_that_is_away_leaves_it_starting_and_says_why(nobody: Settings) -> None:
    lifecycle = Lifecycle()

    assert not look_for_schema(make_probe_engine(nobody), lifecycle)
    assert Readiness.STARTING == lifecycle.state
    assert "Can't connect to MySQL server" in lifecycle.reason
    assert "secret-word" not in lifecycle.reason


def test_what_nobody_thought_of_leaves_it_starting_and_says_why(nobody: Settings) -> None:
    lifecycle = Lifecycle()
    no_host_name = nobody.model_copy(update={"database_host": "db..internal"})

    assert not look_for_schema(make_probe_engine(no_host_name), lifecycle)
    assert Readiness.STARTING == lifecycle.state
    assert lifecycle.reason.startswith("the schema can't be judged: Unicode")


def test_once_stopping_it_is_never_ready_again() -> None:
    lifecycle = Lifecycle()
    lifecycle.stop()

    lifecycle.schema_usable()

    assert Readiness.STOPPING == lifecycle.state


def test_the_revision_is_what_alembic_wrote() -> None:
    engine = create_engine("sqlite://")
    before = readiness.current_revision(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))

    assert before is None
    assert "0001" == readiness.current_revision(engine)
