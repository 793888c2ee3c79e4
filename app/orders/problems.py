"""The one shape of every error response: RFC 9457 problem details, with the request's id.

https://www.rfc-editor.org/rfc/rfc9457
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from orders import logs
from orders.database import is_unavailable

log = logging.getLogger("orders.problems")

RETRY_AFTER_SECONDS = 2
LARGEST_BODY_BYTES = 64 * 1024
MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field that was refused: where it stood (body, query, path, header), its name, and why."""

    location: str
    field: str
    message: str


class ProblemDetails(BaseModel):
    """The body of each of them, as RFC 9457 calls it. `errors` is there for invalid fields only."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None
    errors: list[FieldError] = []


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """Raise it anywhere below a request to answer with this status and these words."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def response(self) -> JSONResponse:
        details = ProblemDetails(
            type="about:blank",
            title=self.status.phrase,
            status=self.status.value,
            detail=self.detail,
            request_id=logs.request_id.get(),
            errors=list(self.errors),
        )
        body = details.model_dump(exclude_defaults=True)
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What an endpoint, or a whole application, declares as its `responses`."""
    return {status.value: {"model": ProblemDetails, "description": status.phrase} for status in statuses}


def invalid(location: str, field: str, message: str) -> Problem:
    """The 422 for a single field that pydantic can't judge."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request has invalid fields.",
        errors=[FieldError(location=location, field=field, message=message)],
    )


def describe_problems(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the media type of problems; FastAPI knows but one for an endpoint."""
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status.startswith(("4", "5")) and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return openapi


def handle_problems(app: FastAPI) -> None:
    """Answer everything that goes wrong below `app` in the one shape.

    The handlers are async: a plain function waits for a thread, and all of those may wait for the database.
    """

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_field_error(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()]
        return Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request has invalid fields.", errors=errors
        ).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        details = {
            HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}.",
            HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not allowed at {request.url.path}.",
        }
        headers = error.headers
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {**(headers or {}), "Allow": ", ".join(_allowed(app, request))}
        return Problem(status, details.get(status, str(error.detail)), headers=headers).response()

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, __: Exception) -> JSONResponse:
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.").response()

    @app.exception_handler(SQLAlchemyError)
    async def _database(_: Request, error: SQLAlchemyError) -> JSONResponse:
        if not is_unavailable(error):
            raise error
        log.warning("database unavailable", extra={"cause": str(getattr(error, "orig", error))})
        return unavailable().response()


def _allowed(app: FastAPI, request: Request) -> list[str]:
    """The methods of every route at this path; Starlette lists those of the first one."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]


def unavailable() -> Problem:
    """The 503 for a database that is away."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database does not answer just now. A write may or may not have happened: "
        "repeat it with the same Idempotency-Key.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def busy() -> Problem:
    """The 503 for a request that came when too many were waiting already."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many requests are waiting here already, so this one was not begun. Send it again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _field_error(path: Sequence[int | str], kind: str, message: str) -> FieldError:
    location, *names = path
    if kind == "json_invalid":  # the rest of its path is a character's position
        names = []
        message = "is not valid JSON"
    elif kind == "model_attributes_type":  # FastAPI reads JSON only where the Content-Type says so
        message = "must be a JSON object, sent as application/json"
    return FieldError(
        location=str(location),
        field=".".join(str(name) for name in names),
        message=message.removeprefix("Value error, "),
    )
