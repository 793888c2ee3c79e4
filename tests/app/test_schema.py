import pytest
from alembic.script import ScriptDirectory
from orders.schema import SchemaState, alembic_config, judge_schema

SCRIPTS = ScriptDirectory.from_config(alembic_config())


@pytest.mark.parametrize(
    ("revision", "state"),
    [
        (None, SchemaState.EMPTY),
        (SCRIPTS.get_current_head(), SchemaState.CURRENT),
        ("made-by-a-newer-release", SchemaState.AHEAD),
    ],
)
def test_a_revision_is_judged_by_the_migrations_in_this_image(revision: str, state: SchemaState) -> None:
    assert state == judge_schema(revision)


@pytest.mark.parametrize(
    ("state", "usable"),
    [
        (SchemaState.EMPTY, False),
        (SchemaState.BEHIND, False),
        (SchemaState.CURRENT, True),
        # Each rollout and each rollback has tasks that are older than the schema.
        (SchemaState.AHEAD, True),
    ],
)
def test_a_schema_serves_from_this_revision_on(state: SchemaState, usable: bool) -> None:
    assert usable == state.usable


def test_the_migrations_are_one_line_without_branches() -> None:
    assert 1 == len(SCRIPTS.get_heads())


def test_no_migration_offers_a_way_down() -> None:
    # A rollback puts older code onto the newer schema; undoing a migration would lose what was written since.
    for script in SCRIPTS.walk_revisions():
        assert not hasattr(script.module, "downgrade")
