"""Whether a migration only adds (expand), so that the version before it keeps working on the new schema.

While a rollout goes on both versions run on one schema, and after a rollback the old one does, for good. What
takes something away (contract) must say from which version on nothing uses it: `contract = "0123456789ab"` in
the migration. What a migration would do is recorded from Alembic's own operations; no database is asked.
https://alembic.sqlalchemy.org/en/latest/api/operations.html
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import BatchOperations, MigrateOperation, Operations, ops
from alembic.operations.batch import BatchOperationsImpl
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mysql

VERSION = re.compile(r"[0-9a-f]{12}")
INTEGERS = ("TINYINT", "SMALLINT", "MEDIUMINT", "INTEGER", "BIGINT")
TEXTS = ("TEXT", "MEDIUMTEXT", "LONGTEXT")
LONGEST_IN_TEXT = 65_535 // 4  # characters of utf8mb4


class NotSeenThroughError(Exception):
    """The migration does something whose effect cannot be read from it."""


def judge(scripts: ScriptDirectory) -> list[str]:
    """Every fault of every migration, oldest first, one line each."""
    tables: set[str] = set()
    return [
        f"{script.revision}: {fault}"
        for script in reversed(list(scripts.walk_revisions()))
        for fault in faults(script.module.upgrade, getattr(script.module, "contract", None), tables)
    ]


def faults(
    upgrade: Callable[[], None], contract: str | None = None, tables: set[str] | None = None
) -> list[str]:
    """What the version before this migration would miss; nothing where it is marked as a contract step.

    `tables` are those that earlier migrations made; the ones that this makes are put in.
    """
    if contract is not None:
        if isinstance(contract, str) and VERSION.fullmatch(contract):
            return []
        return [f"contract = {contract!r} does not name the version it follows (12 hex digits)"]
    try:
        done = _record(upgrade)
    except NotSeenThroughError as error:
        return [str(error)]
    old = set() if tables is None else tables
    new = _Additions()
    found = []
    for operation in done:
        found.append(_fault(operation, new))
        new.take(operation, old)
    old |= new.tables
    return [fault for fault in found if fault]


class _Additions:
    """What the migration itself has made so far, which no older version can have used."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.empty_columns: set[tuple[str, str]] = set()

    def take(self, operation: MigrateOperation, old_tables: set[str]) -> None:
        match operation:
            # "If it does not exist": an old one stays, with all that is in it.
            case ops.CreateTableOp(table_name=table) if table not in old_tables:
                self.tables.add(table)
            case ops.AddColumnOp(column=column) if column.nullable and column.server_default is None:
                self.empty_columns.add((operation.table_name, column.name))

    def hold_nothing_yet(self, table: str, columns: list[Any]) -> bool:
        return all((table, getattr(column, "name", column)) in self.empty_columns for column in columns)


def _fault(operation: MigrateOperation, new: _Additions) -> str | None:
    table = getattr(operation, "table_name", getattr(operation, "source_table", None))
    if table in new.tables:
        return None
    match operation:
        case ops.CreateTableOp() | ops.CreateTableCommentOp() | ops.DropTableCommentOp() | ops.BulkInsertOp():
            return None
        case ops.DropTableOp():
            return f"drops the table {table}"
        case ops.RenameTableOp():
            return f"renames the table {table}"
        case ops.DropColumnOp():
            return f"drops the column {table}.{operation.column_name}"
        case ops.AddColumnOp():
            return _added_column(str(table), operation.column)
        case ops.AlterColumnOp():
            return _altered_column(operation)
        case ops.DropIndexOp():
            return f"drops the index {operation.index_name}"
        case ops.DropConstraintOp():
            return f"drops the constraint {operation.constraint_name} of {table}"
        case ops.CreateIndexOp(unique=True) | ops.CreateUniqueConstraintOp():
            if new.hold_nothing_yet(str(table), list(operation.columns)):
                return None
            return f"makes rows of {table} unique, and the old version writes what it likes"
        case ops.CreateIndexOp():
            return None
        case ops.AddConstraintOp():
            return f"constrains {table}, and the old version writes what it likes"
        case ops.ExecuteSQLOp():
            return _statement(operation.sqltext)
    return f"does a {type(operation).__name__}, which this check does not know"


def _added_column(table: str, column: sa.Column[Any]) -> str | None:
    if not column.nullable and column.server_default is None and column.computed is None:
        return f"adds {table}.{column.name} NOT NULL without a server default: the old version's INSERTs fail"
    if column.unique and column.server_default is not None:
        return f"adds {table}.{column.name} unique with one default for all rows"
    return None


def _altered_column(operation: ops.AlterColumnOp) -> str | None:
    column = f"{operation.table_name}.{operation.column_name}"
    if operation.modify_name is not None and operation.modify_name != operation.column_name:
        return f"renames the column {column}"
    if operation.modify_nullable is False:
        return f"makes {column} NOT NULL, and the old version may write NULL"
    if operation.modify_server_default is None:
        return f"takes the default of {column} away, and the old version may rely on it"
    if operation.modify_type is not None:
        if operation.existing_type is None:
            return (
                f"changes the type of {column} without existing_type: nobody can tell whether it only grows"
            )
        old, new = _ddl(operation.existing_type), _ddl(operation.modify_type)
        if not _widens(old, new):
            return f"makes {column} {new}, which does not hold every {old}"
    # Anything but a new default alone makes MySQL write the whole column anew, as the operation describes it.
    if operation.modify_server_default is False and operation.existing_server_default is False:
        return f"changes {column} without existing_server_default (None where there is none): it would go"
    return None


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new, and compares the same. Both as MySQL's DDL."""
    if old == new:
        return True
    (name, size, rest), (new_name, new_size, new_rest) = _parts(old), _parts(new)
    if rest != new_rest:
        return False
    if name in INTEGERS and new_name in INTEGERS:
        return INTEGERS.index(name) <= INTEGERS.index(new_name)
    if name in TEXTS and new_name in TEXTS:
        return TEXTS.index(name) <= TEXTS.index(new_name)
    if name == "VARCHAR" and new_name in TEXTS:
        return size[0] <= LONGEST_IN_TEXT
    if name == new_name == "NUMERIC":
        return new_size[1] >= size[1] and new_size[0] - new_size[1] >= size[0] - size[1]
    return name == new_name and name in ("VARCHAR", "DATETIME") and new_size >= size


def _parts(ddl: str) -> tuple[str, tuple[int, ...], str]:
    found = re.fullmatch(r"(\w+)(?:\(([\d, ]+)\))?(.*)", ddl)
    if found is None:
        return ddl, (), ""
    sizes = tuple(int(size) for size in found[2].split(",")) if found[2] else (0, 0)
    return found[1], sizes, found[3]


def _ddl(given: Any) -> str:
    return str(sa.types.to_instance(given).compile(dialect=mysql.dialect()))


def _statement(statement: Any) -> str | None:
    """Rows may be added and filled in; every other statement belongs into an operation that can be read."""
    words = str(statement).split()
    if words and words[0].upper() in ("INSERT", "UPDATE"):
        return None
    return f"runs SQL that this check does not read: {' '.join(words)[:60]}"


def _record(upgrade: Callable[[], None]) -> list[MigrateOperation]:
    done: list[MigrateOperation] = []
    failure: Exception | None = None
    written = StringIO()
    context = MigrationContext.configure(
        dialect_name="mysql", opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context) as op:
        op.invoke = done.append  # type: ignore[assignment]
        op.get_bind = _ask  # type: ignore[method-assign]
        op.batch_alter_table = partial(_batch, op)  # type: ignore[method-assign]
        try:
            upgrade()
        except Exception as error:  # noqa: BLE001 - Alembic's context does not clean up after one
            failure = error
    if failure:
        raise failure
    if past := written.getvalue().split():
        raise NotSeenThroughError(f"runs SQL past Alembic's operations: {' '.join(past)[:60]}")
    return done


def _ask() -> Any:
    raise NotSeenThroughError("asks the database what to do, so nobody can tell beforehand what it does")


@contextmanager
def _batch(op: Operations, table_name: str, **options: Any) -> Iterator[BatchOperations]:
    unused = dict.fromkeys(("copy_from", "naming_convention"), None)
    unused |= {"table_args": (), "table_kwargs": {}, "reflect_args": (), "reflect_kwargs": {}}
    batch = BatchOperations(
        op.migration_context,
        impl=BatchOperationsImpl(  # type: ignore[no-untyped-call]
            op, table_name, options.get("schema"), "never", partial_reordering=(), **unused
        ),
    )
    batch.invoke = op.invoke  # type: ignore[method-assign]
    yield batch
