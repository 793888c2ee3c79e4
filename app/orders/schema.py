"""What the migrations in this image say about the revision that a database is at."""

from enum import StrEnum
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory


class SchemaState(StrEnum):
    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"

    @property
    def usable(self) -> bool:
        """A newer release only ever adds while this one may still run, so its schema serves as well.

        tests/app/expand_only.py refuses migrations that do otherwise.
        """
        return self in (SchemaState.CURRENT, SchemaState.AHEAD)


def judge_schema(revision: str | None) -> SchemaState:
    """AHEAD is a revision this image does not know: a newer release put it there.

    That happens in every rollout, while tasks of both versions run, and after each rollback.
    """
    scripts = ScriptDirectory.from_config(alembic_config())
    if revision is None:
        return SchemaState.EMPTY
    if revision == scripts.get_current_head():
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.BEHIND if revision in known else SchemaState.AHEAD


def alembic_config() -> Config:
    """Alembic without an ini file: where the migrations are is all it needs."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
