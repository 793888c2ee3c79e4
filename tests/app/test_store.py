"""The store against a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pymysql
import pytest
from orders.store import KeyReusedError, OrderStore, Placed
from sqlalchemy import Engine, event, text

pytestmark = pytest.mark.docker

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine) -> OrderStore:
    return OrderStore(engine, now=lambda: NOON)


def number_of_orders(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT COUNT(*) FROM orders")) or 0)


def test_an_order_is_read_as_it_was_placed(store: OrderStore) -> None:
    placed = store.place("grüner Tee 🍵", 2).order

    assert placed == store.get(placed.id)
    assert ("grüner Tee 🍵", 2, NOON, None) == (
        placed.item,
        placed.quantity,
        placed.created_at,
        placed.cancelled_at,
    )


def test_an_order_that_is_not_there_is_none(store: OrderStore) -> None:
    assert store.get(2**63 - 1) is None
    assert store.cancel(2**63 - 1) is None


def test_a_repeated_key_gives_the_same_order(store: OrderStore, engine: Engine) -> None:
    first = store.place("tea", 2, idempotency_key="k")

    assert Placed(first.order, repeated=True) == store.place("tea", 2, idempotency_key="k")
    assert 1 == number_of_orders(engine)


def test_a_repeated_key_with_another_body_is_refused(store: OrderStore, engine: Engine) -> None:
    store.place("tea", 2, idempotency_key="k")

    with pytest.raises(KeyReusedError):
        store.place("tea", 3, idempotency_key="k")

    assert 1 == number_of_orders(engine)


def test_keys_that_differ_in_case_are_two(store: OrderStore, engine: Engine) -> None:
    store.place("tea", 2, idempotency_key="k")
    store.place("tea", 2, idempotency_key="K")

    assert 2 == number_of_orders(engine)


def test_without_a_key_each_order_is_its_own(store: OrderStore, engine: Engine) -> None:
    store.place("tea", 2)
    store.place("tea", 2)

    assert 2 == number_of_orders(engine)


def test_repeats_that_arrive_at_once_make_one_order(store: OrderStore, engine: Engine) -> None:
    rounds, repeats = 10, 8
    with ThreadPoolExecutor(repeats) as pool:
        for number in range(rounds):
            key = f"k-{number}"
            placed = list(pool.map(lambda _: store.place("tea", 2, idempotency_key=key), range(repeats)))  # noqa: B023

            assert 1 == len({each.order.id for each in placed})
            assert 1 == sum(not each.repeated for each in placed)

    assert rounds == number_of_orders(engine)


def test_bodies_that_arrive_at_once_under_one_key_leave_one_winner(store: OrderStore, engine: Engine) -> None:
    def place(quantity: int) -> str:
        try:
            store.place("tea", quantity, idempotency_key="k")
        except KeyReusedError:
            return "refused"
        return "placed"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(place, range(1, 9)))

    assert ["placed"] + ["refused"] * 7 == outcomes
    assert 1 == number_of_orders(engine)


def test_cancelling_twice_keeps_the_first_time(engine: Engine) -> None:
    minutes = count()
    store = OrderStore(engine, now=lambda: NOON.replace(minute=next(minutes)))
    placed = store.place("tea", 2).order

    first, second = store.cancel(placed.id), store.cancel(placed.id)

    assert first is not None
    assert NOON.replace(minute=1) == first.cancelled_at
    assert first == second


def test_pages_neither_skip_nor_repeat_while_orders_come_in(store: OrderStore) -> None:
    before = [store.place("tea", 1).order.id for _ in range(5)]
    first, start = store.page(limit=2)
    store.place("late", 1)
    second, start = store.page(limit=2, before=start)
    third, end = store.page(limit=2, before=start)

    assert before[::-1] == [order.id for order in [*first, *second, *third]]
    assert end is None


def test_a_full_last_page_has_no_next(store: OrderStore) -> None:
    for _ in range(2):
        store.place("tea", 1)

    orders, following = store.page(limit=2)

    assert (2, None) == (len(orders), following)


def test_a_deadlock_is_tried_again(store: OrderStore, engine: Engine) -> None:
    deadlocks = iter([pymysql.err.OperationalError(1213, "Deadlock found"), None])

    def stumble(_: object, cursor: object, statement: str, *__: object) -> None:
        if statement.startswith("INSERT") and (error := next(deadlocks, None)):
            raise error

    event.listen(engine, "before_cursor_execute", stumble)
    try:
        placed = store.place("tea", 2)
    finally:
        event.remove(engine, "before_cursor_execute", stumble)

    assert not placed.repeated
    assert 1 == number_of_orders(engine)
