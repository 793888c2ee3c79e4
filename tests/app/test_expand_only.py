"""Migrations only add, or say which version they follow; each kind of other migration is refused."""

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.script import ScriptDirectory
from orders.schema import alembic_config
from sqlalchemy.dialects import mysql

from tests.app.expand_only import faults, judge

VERSION = "0123456789ab"


def batch_drop() -> None:
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("item")


def ask_the_database() -> None:
    op.get_bind().execute(sa.text("SELECT 1"))


def widen(old: object, new: object) -> None:
    op.alter_column("orders", "item", existing_type=old, type_=new, existing_server_default=None)


def bigger_with_its_default() -> None:
    default = sa.text("0")
    op.alter_column(
        "orders", "gift", existing_type=sa.Integer, type_=sa.BigInteger, existing_server_default=default
    )


def bigger_without_its_default() -> None:
    op.alter_column("orders", "gift", existing_type=sa.Integer, type_=sa.BigInteger, existing_nullable=False)


def new_table_in_place_of_the_old() -> None:
    op.drop_table("orders")
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True))


def past_alembic() -> None:
    op.get_context().execute("ALTER TABLE orders DROP COLUMN item")


def table_with_everything() -> None:
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
    op.create_unique_constraint("uq", "notes", ["text"])
    op.create_foreign_key("fk", "notes", "orders", ["id"], ["id"])
    op.alter_column("notes", "text", existing_type=sa.Text, nullable=False)


def unique_column() -> None:
    op.add_column("orders", sa.Column("reference", sa.String(40)))
    op.create_index("ix", "orders", ["reference"], unique=True)


EXPANDS = {
    "a table with all that belongs to it": table_with_everything,
    "a column that may be NULL": lambda: op.add_column("orders", sa.Column("note", sa.Text)),
    "a column with a server default": lambda: op.add_column(
        "orders", sa.Column("gift", sa.Boolean, nullable=False, server_default=sa.false())
    ),
    "a computed column": lambda: op.add_column(
        "orders", sa.Column("twice", sa.Integer, sa.Computed("quantity * 2"), nullable=False)
    ),
    "an index": lambda: op.create_index("ix_item", "orders", ["item"]),
    "a unique index on a column that is new and empty": unique_column,
    "a longer string": lambda: widen(sa.String(100), sa.String(200)),
    "a text for a string": lambda: widen(sa.String(100), sa.Text()),
    "a bigger integer": lambda: widen(sa.Integer(), sa.BigInteger()),
    "more digits on both sides": lambda: widen(sa.Numeric(8, 2), sa.Numeric(12, 3)),
    "finer times": lambda: widen(mysql.DATETIME(), mysql.DATETIME(fsp=6)),
    "a column that need not be there any more": lambda: op.alter_column(
        "orders", "item", existing_type=sa.String(100), nullable=True, existing_server_default=None
    ),
    "a bigger integer, its default said": bigger_with_its_default,
    "a default": lambda: op.alter_column("orders", "quantity", server_default="1"),
    "values for a new column": lambda: op.execute("UPDATE orders SET note = ''"),
    "rows": lambda: op.bulk_insert(sa.table("orders", sa.column("item")), [{"item": "tea"}]),
}

CONTRACTS = {
    "drops the table orders": lambda: op.drop_table("orders"),
    "renames the table orders": lambda: op.rename_table("orders", "purchases"),
    "drops the table orders, and makes it anew": new_table_in_place_of_the_old,
    "drops the column orders.item": lambda: op.drop_column("orders", "item"),
    "drops the column orders.item, in a batch": batch_drop,
    "renames the column orders.item": lambda: op.alter_column(
        "orders", "item", new_column_name="article", existing_type=sa.String(100)
    ),
    "adds orders.note NOT NULL without a server default": lambda: op.add_column(
        "orders", sa.Column("note", sa.Text, nullable=False)
    ),
    "adds orders.code unique with one default": lambda: op.add_column(
        "orders", sa.Column("code", sa.String(9), unique=True, server_default="x")
    ),
    "makes orders.item NOT NULL": lambda: op.alter_column("orders", "item", nullable=False),
    "takes the default of orders.item away": lambda: op.alter_column("orders", "item", server_default=None),
    "changes the type of orders.item without existing_type": lambda: op.alter_column(
        "orders", "item", type_=sa.String(200)
    ),
    "changes orders.gift without existing_server_default": bigger_without_its_default,
    "changes orders.item without existing_server_default": lambda: op.alter_column(
        "orders", "item", existing_type=sa.String(100), nullable=True
    ),
    "makes orders.item VARCHAR(50)": lambda: widen(sa.String(100), sa.String(50)),
    "makes orders.item VARCHAR(100), which does not hold every TEXT": lambda: widen(
        sa.Text(), sa.String(100)
    ),
    "makes orders.item TEXT": lambda: widen(sa.String(20_000), sa.Text()),
    "makes orders.item INTEGER, which does not hold every BIGINT": lambda: widen(
        sa.BigInteger(), sa.Integer()
    ),
    "makes orders.item INTEGER, which does not hold every INTEGER UNSIGNED": lambda: widen(
        mysql.INTEGER(unsigned=True), sa.Integer()
    ),
    "makes orders.item NUMERIC(8, 3)": lambda: widen(sa.Numeric(8, 2), sa.Numeric(8, 3)),
    "makes orders.item DATETIME,": lambda: widen(mysql.DATETIME(fsp=6), mysql.DATETIME()),
    "makes orders.item VARCHAR(100) COLLATE": lambda: widen(
        sa.String(100), sa.String(100, collation="utf8mb4_bin")
    ),
    "drops the index ix_item": lambda: op.drop_index("ix_item", "orders"),
    "drops the constraint uq of orders": lambda: op.drop_constraint("uq", "orders", type_="unique"),
    "makes rows of orders unique": lambda: op.create_unique_constraint("uq", "orders", ["item"]),
    "makes rows of orders unique, by an index": lambda: op.create_index(
        "ix", "orders", ["item"], unique=True
    ),
    "constrains orders": lambda: op.create_check_constraint("few", "orders", "quantity < 9"),
    "constrains orders, by a foreign key": lambda: op.create_foreign_key(
        "fk", "orders", "items", ["item"], ["name"]
    ),
    "runs SQL that this check does not read: ALTER TABLE": lambda: op.execute("ALTER TABLE orders DROP item"),
    "runs SQL that this check does not read: DELETE": lambda: op.execute(sa.text("DELETE FROM orders")),
    "asks the database": ask_the_database,
    "runs SQL past Alembic's operations: ALTER TABLE": past_alembic,
}


def test_every_migration_only_adds_or_says_which_version_it_follows() -> None:
    assert [] == judge(ScriptDirectory.from_config(alembic_config()))


def test_what_only_adds_is_taken() -> None:
    found = {name: faults(upgrade) for name, upgrade in EXPANDS.items()}

    assert {} == {name: refused for name, refused in found.items() if refused}


def test_what_the_old_version_would_miss_is_refused() -> None:
    found = {words: faults(upgrade) for words, upgrade in CONTRACTS.items()}

    assert {} == {words: told for words, told in found.items() if not is_one_fault(told, words)}


def is_one_fault(told: list[str], words: str) -> bool:
    """A name in CONTRACTS is what the fault begins with; some say besides how they do it."""
    beginning = words.split(", in a")[0].split(", by a")[0].split(", and makes")[0]
    return len(told) == 1 and told[0].startswith(beginning)


def test_it_is_taken_from_a_migration_that_says_which_version_it_follows() -> None:
    found = {words: faults(upgrade, contract=VERSION) for words, upgrade in CONTRACTS.items()}

    assert {} == {words: refused for words, refused in found.items() if refused}


@pytest.mark.parametrize("contract", [True, "", "soon", "0123456789abc"])
def test_a_contract_step_must_name_the_version_it_follows(contract) -> None:
    assert [f"contract = {contract!r} does not name the version it follows (12 hex digits)"] == faults(
        CONTRACTS["drops the table orders"], contract
    )


def test_a_fault_names_its_migration(tmp_path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_first.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.drop_table('orders')\n"
    )

    assert ["0001: drops the table orders"] == judge(ScriptDirectory(tmp_path))


def test_a_table_of_an_earlier_migration_is_not_new_because_it_is_made_again_if_it_is_not_there(
    tmp_path,
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    makes = "    op.create_table('orders', sa.Column('item', sa.Text), if_not_exists=True)\n"
    for revision, before, body in (
        ("0001", None, makes),
        ("0002", "0001", makes + "    op.drop_column('orders', 'item')\n"),
    ):
        (versions / f"{revision}_it.py").write_text(
            "import sqlalchemy as sa\n"
            "from alembic import op\n"
            f"revision, down_revision = {revision!r}, {before!r}\n"
            f"def upgrade():\n{body}"
        )

    assert ["0002: drops the column orders.item"] == judge(ScriptDirectory(tmp_path))


def test_a_migration_that_cannot_be_recorded_does_not_spoil_the_next() -> None:
    faults(ask_the_database)

    assert ["drops the table orders"] == faults(CONTRACTS["drops the table orders"])
