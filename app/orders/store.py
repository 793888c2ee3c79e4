"""Orders in the database: made once per idempotency key, listed by keyset, cancelled once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, bindparam, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from orders.database import is_deadlock
from orders.model import OrderRow

_ATTEMPTS = 3
# A read takes plain rows: a session, which tracks objects for changes, costs much more.
_ROWS = select(OrderRow.__table__)
_ROW = _ROWS.where(OrderRow.id == bindparam("order_id"))


@dataclass(frozen=True)
class Order:
    id: int
    item: str
    quantity: int
    created_at: datetime
    cancelled_at: datetime | None


@dataclass(frozen=True)
class Placed:
    """An order, and whether this call only repeated an earlier one."""

    order: Order
    repeated: bool


class KeyReusedError(Exception):
    """The idempotency key belongs to an order with another body."""


class OrderStore:
    """All times are UTC. Any method raises SQLAlchemyError; `database.is_unavailable` judges it."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def place(self, item: str, quantity: int, *, idempotency_key: str | None = None) -> Placed:
        """Make an order; with a key that was used before, give back the order it made.

        Key and body hash stand in the order's own row, so they commit together or not at all, and the unique
        index decides between repeats that arrive at once. Raises KeyReusedError for another body.
        """
        body_hash = _hash(item, quantity) if idempotency_key is not None else None
        if idempotency_key is not None and (earlier := self._find_by_key(idempotency_key, body_hash)):
            return earlier
        row = {
            "item": item,
            "quantity": quantity,
            "created_at": self._now().replace(tzinfo=None),
            "idempotency_key": idempotency_key,
            "body_hash": body_hash,
        }
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with Session(self._engine) as session, session.begin():
                    order = OrderRow(**row)
                    session.add(order)
                    session.flush()
                    return Placed(_order(order), repeated=False)
            except IntegrityError:
                if (
                    idempotency_key is None
                    or (earlier := self._find_by_key(idempotency_key, body_hash)) is None
                ):
                    raise
                return earlier
            except DBAPIError as error:
                if not is_deadlock(error) or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def get(self, order_id: int) -> Order | None:
        with self._engine.connect() as connection:
            row = connection.execute(_ROW, {"order_id": order_id}).one_or_none()
        return _order(row) if row else None

    def page(self, *, limit: int, before: int | None = None) -> tuple[list[Order], int | None]:
        """The newest orders older than `before`, at most `limit`; and the next page's `before`, if any.

        Keyset, not offset: a page costs the same wherever it stands, and new orders do not shift it.
        """
        query = _ROWS.order_by(OrderRow.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(OrderRow.id < before)
        with self._engine.connect() as connection:
            orders = [_order(row) for row in connection.execute(query)]
        more = len(orders) > limit
        return orders[:limit], orders[limit - 1].id if more else None

    def cancel(self, order_id: int) -> Order | None:
        """Cancel an order; one that is cancelled already stays as it is. None when there is no such order."""
        with Session(self._engine) as session, session.begin():
            session.execute(
                update(OrderRow)
                .where(OrderRow.id == order_id, OrderRow.cancelled_at.is_(None))
                .values(cancelled_at=self._now().replace(tzinfo=None))
            )
            row = session.get(OrderRow, order_id)
            return _order(row) if row else None

    def _find_by_key(self, key: str, body_hash: str | None) -> Placed | None:
        with Session(self._engine) as session:
            row = session.scalar(select(OrderRow).where(OrderRow.idempotency_key == key))
            if row is None:
                return None
            if row.body_hash != body_hash:
                raise KeyReusedError(key)
            return Placed(_order(row), repeated=True)


def _hash(item: str, quantity: int) -> str:
    canonical = json.dumps({"item": item, "quantity": quantity}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _order(row: OrderRow | Row[Any]) -> Order:
    return Order(
        id=row.id,
        item=row.item,
        quantity=row.quantity,
        created_at=row.created_at.replace(tzinfo=UTC),
        cancelled_at=row.cancelled_at.replace(tzinfo=UTC) if row.cancelled_at else None,
    )
