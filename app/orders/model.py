"""The tables, as SQLAlchemy sees them. A change here needs a migration; a test holds the two together."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, String
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# UTC, without a zone (MySQL keeps none), to the microsecond.
Instant = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# Compared byte by byte: a key is not a word.
Key = String(200).with_variant(
    mysql.VARCHAR(200, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)


class Base(DeclarativeBase):
    """What the migrations compare the database with."""


class OrderRow(Base):
    __tablename__ = "orders"
    __table_args__ = (
        # MySQL lets a unique index hold any number of NULLs: orders made without a key.
        Index("uq_orders_idempotency_key", "idempotency_key", unique=True),
        {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    item: Mapped[str] = mapped_column(String(100))
    quantity: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Instant)
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    idempotency_key: Mapped[str | None] = mapped_column(Key)
    body_hash: Mapped[str | None] = mapped_column(String(64))
