"""What the API makes of requests, over a store in memory; the real store has its own tests."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pymysql
import pytest
from fastapi.testclient import TestClient
from orders.api import make_api
from orders.database import make_engine
from orders.settings import Settings
from orders.store import KeyReusedError, Order, OrderStore, Placed
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AWAY = OperationalError("SELECT", None, pymysql.err.OperationalError(2003, "refused"))


class MemoryStore:
    """A handful of orders; `failure` is raised by every call once it is set."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.failure: SQLAlchemyError | None = None
        self.repeated = False
        self.key_reused = False
        self.key: str | None = None

    def place(self, item: str, quantity: int, *, idempotency_key: str | None = None) -> Placed:
        self._maybe_fail()
        self.key = idempotency_key
        if self.key_reused:
            raise KeyReusedError(idempotency_key)
        order = Order(len(self.orders) + 1, item, quantity, NOON, None)
        self.orders[order.id] = order
        return Placed(order, repeated=self.repeated)

    def get(self, order_id: int) -> Order | None:
        self._maybe_fail()
        return self.orders.get(order_id)

    def cancel(self, order_id: int) -> Order | None:
        return self.orders.get(order_id)

    def page(self, *, limit: int, before: int | None = None) -> tuple[list[Order], int | None]:
        self._maybe_fail()
        found = [
            order for number, order in sorted(self.orders.items(), reverse=True) if number < (before or 99)
        ]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def _maybe_fail(self) -> None:
        if self.failure:
            raise self.failure


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore) -> TestClient:
    return TestClient(make_api(store, version="v1"), raise_server_exceptions=False)  # type: ignore[arg-type]


def errors(answer: Any) -> list[tuple[str, str]]:
    assert 422 == answer.status_code
    assert "application/problem+json" == answer.headers["Content-Type"]
    return [(error["location"], error["field"]) for error in answer.json()["errors"]]


def test_a_new_order_is_a_201_with_its_id_and_where_it_is(client: TestClient) -> None:
    answer = client.post("/orders", json={"item": "tea", "quantity": 2})

    assert 201 == answer.status_code
    assert "/orders/1" == answer.headers["Location"]
    assert {
        "id": 1,
        "item": "tea",
        "quantity": 2,
        "status": "placed",
        "created_at": "2026-11-23T12:00:00Z",
        "cancelled_at": None,
    } == answer.json()


def test_space_around_an_item_is_not_part_of_it(client: TestClient) -> None:
    assert "tea" == client.post("/orders", json={"item": " tea ", "quantity": 1}).json()["item"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": 1}, "item"),
        ({"item": "tea"}, "quantity"),
        ({"item": "", "quantity": 1}, "item"),
        ({"item": "   ", "quantity": 1}, "item"),
        ({"item": "x" * 101, "quantity": 1}, "item"),
        ({"item": "tea\x00", "quantity": 1}, "item"),
        ({"item": "tea\x7f", "quantity": 1}, "item"),
        ({"item": "tea", "quantity": 10**400}, "quantity"),
        ({"item": 7, "quantity": 1}, "item"),
        ({"item": "tea", "quantity": 0}, "quantity"),
        ({"item": "tea", "quantity": 10_001}, "quantity"),
        ({"item": "tea", "quantity": "2"}, "quantity"),
        ({"item": "tea", "quantity": True}, "quantity"),
        ({"item": "tea", "quantity": 1.5}, "quantity"),
        ({"item": "tea", "quantity": 1, "colour": "green"}, "colour"),
        ([], ""),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, body: Any, field: str) -> None:
    assert [("body", field)] == errors(client.post("/orders", json=body))


@pytest.mark.parametrize(
    "item", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "👨\u200d👩\u200d👧", "thé\u00a0vert"]
)
def test_an_item_may_hold_what_does_not_print_but_belongs_to_its_writing(
    client: TestClient, item: str
) -> None:
    assert item == client.post("/orders", json={"item": item, "quantity": 1}).json()["item"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"item": "tea", "quantity": 1}', "text/plain"),
        (b'{"item": "tea", "quantity": 1}', "application/x-www-form-urlencoded"),
        (b"null", "application/json"),
        (b"[1]", "application/json"),
    ],
)
def test_what_is_no_json_object_is_told_how_to_be_sent(client: TestClient, content: bytes, kind: str) -> None:
    answer = client.post("/orders", content=content, headers={"Content-Type": kind})

    assert [("body", "")] == errors(answer)
    assert "must be a JSON object, sent as application/json" == answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 60_000,
        b'{"item": "tea", "quantity": ' + b"9" * 5_000 + b"}",
        b'{"item": "\xff", "quantity": 1}',
        b'{"item": "\\ud800", "quantity": 1}',
        b'{"item": "tea", "quantity": 1, "\\ud800": 1}',
        b'{"item": "tea", "quantity": NaN}',
    ],
    ids=["deep", "long number", "no UTF-8", "half a character", "half a character as a name", "NaN"],
)
def test_a_body_that_is_meant_to_break_something_is_the_clients_fault(
    client: TestClient, content: bytes
) -> None:
    answer = client.post("/orders", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.status_code == answer.json()["status"]


def test_all_wrong_fields_are_named_at_once(client: TestClient) -> None:
    assert [("body", "item"), ("body", "quantity")] == errors(client.post("/orders", json={}))


def test_a_body_that_is_not_json_is_told_so(client: TestClient) -> None:
    answer = client.post("/orders", content=b"{", headers={"Content-Type": "application/json"})

    assert [("body", "")] == errors(answer)
    assert "is not valid JSON" == answer.json()["errors"][0]["message"]


def test_a_huge_body_of_unknown_length_is_refused_in_the_one_shape(client: TestClient) -> None:
    chunks = iter([b'{"item": "', b"x" * 100_000, b'", "quantity": 1}'])

    answer = client.post("/orders", content=chunks, headers={"Content-Type": "application/json"})

    assert (413, 413) == (answer.status_code, answer.json()["status"])


def test_a_repeat_is_marked_and_otherwise_the_same(client: TestClient, store: MemoryStore) -> None:
    store.repeated = True

    answer = client.post("/orders", json={"item": "tea", "quantity": 2}, headers={"Idempotency-Key": "k-1"})

    assert "k-1" == store.key
    assert (201, "true") == (answer.status_code, answer.headers["Idempotent-Replayed"])


def test_a_first_order_is_not_marked_as_a_repeat(client: TestClient) -> None:
    assert "Idempotent-Replayed" not in client.post("/orders", json={"item": "tea", "quantity": 2}).headers


def test_a_key_used_with_another_body_is_a_409(client: TestClient, store: MemoryStore) -> None:
    store.key_reused = True

    answer = client.post("/orders", json={"item": "tea", "quantity": 2}, headers={"Idempotency-Key": "k"})

    assert 409 == answer.status_code
    assert "This Idempotency-Key was used before with another body." == answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
def test_a_key_that_can_not_be_kept_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/orders", json={"item": "tea", "quantity": 2}, headers={"Idempotency-Key": key})

    assert [("header", "idempotency-key")] == errors(answer)


def test_an_unknown_order_is_a_404(client: TestClient) -> None:
    answer = client.get("/orders/7")

    assert (404, "There is no order 7.") == (answer.status_code, answer.json()["detail"])


@pytest.mark.parametrize(
    "order_id",
    [
        "tea",
        "0",
        "-1",
        str(2**63),
        "1.5",
        "1_0",
        "1.0",
        "%201",
        "1%20",
        "+7",
        "%2B7",
        "007",
        "1" * 20,
        "%D9%A1",
    ],
)
def test_what_can_not_be_an_id_is_refused(client: TestClient, order_id: str) -> None:
    assert [("path", "order_id")] == errors(client.get(f"/orders/{order_id}"))


def test_another_way_to_write_an_id_is_told_how_to_write_it(client: TestClient) -> None:
    (error,) = client.get("/orders/007").json()["errors"]

    assert "must be a whole number, of digits only and without a leading zero" == error["message"]


def test_the_openapi_document_gives_the_bounds_of_an_id_and_of_a_page(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    order_id = paths["/orders/{order_id}"]["get"]["parameters"][0]["schema"]
    limit = paths["/orders"]["get"]["parameters"][0]["schema"]

    assert ("integer", 1, 2**63 - 1) == (order_id["type"], order_id["minimum"], order_id["maximum"])
    assert ("integer", 1, 100, 20) == (limit["type"], limit["minimum"], limit["maximum"], limit["default"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("limit=1_0", "limit"),
        ("limit=1.0", "limit"),
        ("limit=%207", "limit"),
        ("limit=%2B7", "limit"),
        ("limit=007", "limit"),
        ("limit=", "limit"),
        ("after=x", "after"),
        ("after=", "after"),
    ],
)
def test_a_page_has_bounds(client: TestClient, query: str, field: str) -> None:
    assert [("query", field)] == errors(client.get(f"/orders?{query}"))


def test_pages_follow_each_other_to_the_end(client: TestClient) -> None:
    for number in range(5):
        client.post("/orders", json={"item": f"tea {number}", "quantity": 1})
    seen, after = [], ""
    while after is not None:
        page = client.get("/orders", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen.append([order["id"] for order in page["orders"]])
        after = page["next"]

    assert [[5, 4], [3, 2], [1]] == seen


def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(
    client: TestClient, store: MemoryStore
) -> None:
    store.failure = AWAY

    answer = client.get("/orders")

    assert (503, "2") == (answer.status_code, answer.headers["Retry-After"])
    assert "Service Unavailable" == answer.json()["title"]


def test_our_own_mistake_in_sql_is_no_503(client: TestClient, store: MemoryStore) -> None:
    store.failure = ProgrammingError("SELECT", None, pymysql.err.ProgrammingError(1064, "syntax"))

    answer = client.get("/orders")

    assert (500, 500) == (answer.status_code, answer.json()["status"])


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch) -> Callable[[object, object], None]:
    """jsonschema's, without the formats of rfc3987_syntax: it compiles 38 grammars at import, for nothing."""
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", None)
    from jsonschema import validate

    return validate


@pytest.mark.parametrize(
    ("method", "path", "template", "status"),
    [
        ("GET", "/orders?limit=0", "/orders", 422),
        ("GET", "/orders/tea", "/orders/{order_id}", 422),
        ("GET", "/orders/7", "/orders/{order_id}", 404),
        ("POST", "/orders/7/cancel", "/orders/{order_id}/cancel", 404),
        ("POST", "/orders", "/orders", 409),
        ("GET", "/orders", "/orders", 503),
    ],
)
def test_errors_are_what_the_openapi_document_says(
    client: TestClient,
    store: MemoryStore,
    validate: Callable[[object, object], None],
    method: str,
    path: str,
    template: str,
    status: int,
) -> None:
    document = client.get("/openapi.json").json()
    store.key_reused = status == 409
    store.failure = AWAY if status == 503 else None

    answer = client.request(method, path, json={"item": "tea", "quantity": 2} if method == "POST" else None)

    documented = document["paths"][template][method.lower()]["responses"][str(status)]["content"]
    assert status == answer.status_code
    assert [answer.headers["Content-Type"]] == list(documented)
    (media,) = documented.values()
    validate(answer.json(), {**media["schema"], "components": document["components"]})
    assert answer.json().keys() <= document["components"]["schemas"]["ProblemDetails"]["properties"].keys()


def test_the_openapi_document_knows_no_other_shape_of_an_error(client: TestClient) -> None:
    document = client.get("/openapi.json")

    assert "ValidationError" not in document.text


def test_a_database_host_that_is_no_name_is_a_500_in_the_one_shape(nobody: Settings) -> None:
    engine = make_engine(nobody.model_copy(update={"database_host": "db..internal"}))
    client = TestClient(make_api(OrderStore(engine), version="v1"), raise_server_exceptions=False)

    answer = client.get("/orders")

    assert (500, 500) == (answer.status_code, answer.json()["status"])


@pytest.mark.parametrize(
    ("path", "methods"), [("/orders", "GET, POST"), ("/orders/7", "GET"), ("/orders/7/cancel", "POST")]
)
def test_a_method_that_is_not_allowed_is_told_all_that_are(
    client: TestClient, path: str, methods: str
) -> None:
    answer = client.delete(path)

    assert (405, methods) == (answer.status_code, answer.headers["Allow"])


def test_the_root_says_what_answers(client: TestClient) -> None:
    assert ("orders", "v1") == tuple(client.get("/").json()[key] for key in ("service", "version"))


@pytest.mark.parametrize("path", ["/actuator/health", "/actuator/info", "/actuator/prometheus", "/docs"])
def test_the_api_port_knows_nothing_of_the_actuator(client: TestClient, path: str) -> None:
    assert 404 == client.get(path).status_code
