import json
import logging
import sys
from typing import Any

from orders import logs


def line(record: logging.LogRecord) -> dict[str, Any]:
    text = logs.JsonFormatter("v1").format(record)
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def record(message: str, **extra: Any) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "orders.test", "levelname": "INFO", "msg": message, "created": 0.5} | extra
    )


def test_a_line_says_when_what_and_which_version() -> None:
    assert {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "INFO",
        "logger": "orders.test",
        "message": "hello",
        "version": "v1",
    } == line(record("hello"))


def test_extra_fields_become_fields_of_the_line() -> None:
    assert (201, "/orders") == tuple(
        line(record("request", status=201, route="/orders"))[k] for k in ("status", "route")
    )


def test_a_line_within_a_request_carries_its_id() -> None:
    token = logs.request_id.set("abc")
    try:
        within = line(record("hello"))
    finally:
        logs.request_id.reset(token)

    assert "abc" == within["request_id"]
    assert "request_id" not in line(record("hello"))


def test_a_traceback_stays_on_one_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        parsed = line(record("failed", exc_info=sys.exc_info()))

    assert "ValueError: first\nsecond" in parsed["exception"]


def test_a_message_with_a_line_break_can_not_forge_a_second_line() -> None:
    assert 'x\n{"level": "ERROR"}' == line(record('x\n{"level": "ERROR"}'))["message"]
