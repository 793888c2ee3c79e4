"""The API, port 8080: what the load balancer reaches."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from unicodedata import category

from fastapi import FastAPI, Header, Query, Response
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from orders.cursor import BadCursorError, decode_cursor, encode_cursor
from orders.problems import (
    LARGEST_BODY_BYTES,
    Problem,
    describe_problems,
    handle_problems,
    invalid,
    problems,
)
from orders.store import KeyReusedError, Order, OrderStore


def _plain(text: str) -> str:
    # Not isprintable(): Persian words and family emoji hold joiners, which do not print.
    if any(category(character) == "Cc" for character in text):
        raise ValueError("must not hold control characters")
    return text


def _digits(text: str) -> str:
    # int() takes more: 1_0, 1.0, +7, 007 and space around would all name an order that has another name.
    if not re.fullmatch("[1-9][0-9]{0,18}", text):
        raise ValueError("must be a whole number, of digits only and without a leading zero")
    return text


class NewOrder(BaseModel):
    """The body of POST /orders. An unknown field is refused: it is most often a typo."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    item: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
    quantity: Annotated[int, Field(strict=True, ge=1, le=10_000)]


class OrderBody(BaseModel):
    """An order as clients see it. Times are UTC."""

    id: int
    item: str
    quantity: int
    status: Literal["placed", "cancelled"]
    created_at: datetime
    cancelled_at: datetime | None

    @classmethod
    def of(cls, order: Order) -> "OrderBody":
        return cls(
            id=order.id,
            item=order.item,
            quantity=order.quantity,
            status="cancelled" if order.cancelled_at else "placed",
            created_at=order.created_at,
            cancelled_at=order.cancelled_at,
        )


class OrderPage(BaseModel):
    """The newest orders first. `next` goes into `after` for the following page; null on the last."""

    orders: list[OrderBody]
    next: str | None


class About(BaseModel):
    """What answers at the root."""

    service: str
    version: str
    orders: str
    openapi: str


# MySQL's BIGINT; anything larger is no order's id and need not reach the database.
OrderId = Annotated[int, Field(ge=1, le=2**63 - 1), BeforeValidator(_digits), PathParameter()]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


def _found(order: Order | None, order_id: int) -> OrderBody:
    if order is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no order {order_id}.")
    return OrderBody.of(order)


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return describe_problems(super().openapi())


def make_api(store: OrderStore, *, version: str) -> FastAPI:
    """The API over this store, without the middleware that `server` puts around it.

    An endpoint hands the store's blocking call to a thread and stays on the event loop otherwise. FastAPI
    would send a plain function to a thread, and then its answer to another one to be checked.
    """
    # FastAPI's documentation pages load scripts from a third party; the OpenAPI document itself does not.
    api = _Api(
        title="orders",
        version=version,
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_BODY_BYTES,
        redirect_slashes=False,
        responses=problems(HTTPStatus.SERVICE_UNAVAILABLE),
    )
    handle_problems(api)

    @api.post(
        "/orders",
        status_code=HTTPStatus.CREATED,
        responses=problems(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    )
    async def place_order(
        new: NewOrder, response: Response, idempotency_key: IdempotencyKey = None
    ) -> OrderBody:
        """Place an order.

        Repeated with the same `Idempotency-Key` and body, it answers with the order it made then, the same
        201, and `Idempotent-Replayed: true`; with another body, 409.
        """
        try:
            placed = await run_in_threadpool(
                store.place, new.item, new.quantity, idempotency_key=idempotency_key
            )
        except KeyReusedError:
            raise Problem(
                HTTPStatus.CONFLICT, "This Idempotency-Key was used before with another body."
            ) from None
        response.headers["Location"] = f"/orders/{placed.order.id}"
        if placed.repeated:
            response.headers["Idempotent-Replayed"] = "true"
        return OrderBody.of(placed.order)

    @api.get("/orders", responses=problems(HTTPStatus.UNPROCESSABLE_ENTITY))
    async def list_orders(
        limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(_digits), Query()] = 20,
        after: Annotated[str | None, Query(max_length=100)] = None,
    ) -> OrderPage:
        """A page of orders, the newest first."""
        try:
            before = decode_cursor(after) if after is not None else None
        except BadCursorError:
            raise invalid("query", "after", "is not a cursor of this service") from None
        orders, last = await run_in_threadpool(store.page, limit=limit, before=before)
        return OrderPage(
            orders=[OrderBody.of(order) for order in orders], next=encode_cursor(last) if last else None
        )

    @api.get("/orders/{order_id}", responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY))
    async def get_order(order_id: OrderId) -> OrderBody:
        return _found(await run_in_threadpool(store.get, order_id), order_id)

    @api.post(
        "/orders/{order_id}/cancel", responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
    )
    async def cancel_order(order_id: OrderId) -> OrderBody:
        """Cancel an order. Cancelling it again changes nothing and answers the same."""
        return _found(await run_in_threadpool(store.cancel, order_id), order_id)

    @api.get("/")
    async def about() -> About:
        return About(service="orders", version=version, orders="/orders", openapi="/openapi.json")

    return api
