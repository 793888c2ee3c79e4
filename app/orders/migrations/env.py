"""How Alembic runs: on the connection it is given, which holds the lock (orders/migrate.py)."""

from alembic import context

from orders.model import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # MySQL commits at each DDL statement; the version must be written after each migration, not after all.
    transaction_per_migration=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
