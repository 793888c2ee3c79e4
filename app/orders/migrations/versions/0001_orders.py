"""The table of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None


def upgrade() -> None:
    # One statement: cut short, it leaves nothing or all of it, and run again, it finds its work done.
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=True),
        sa.Column("item", sa.String(100), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("created_at", mysql.DATETIME(fsp=6), nullable=False),
        sa.Column("cancelled_at", mysql.DATETIME(fsp=6)),
        sa.Column("idempotency_key", mysql.VARCHAR(200, charset="utf8mb4", collation="utf8mb4_bin")),
        sa.Column("body_hash", sa.String(64)),
        sa.UniqueConstraint("idempotency_key", name="uq_orders_idempotency_key"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
