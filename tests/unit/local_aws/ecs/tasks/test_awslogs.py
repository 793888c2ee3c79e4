"""The awslogs driver: lines to events, and none lost."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.ecs.tasks.awslogs import LogDriverError, LogStream, create_stream, event, events, stream_of

STAMP = b"2026-11-23T18:40:38.123456789Z"
MILLISECONDS = 1795459238123


class Client:
    def __init__(self, error: str = "") -> None:
        self.put: list[dict[str, Any]] = []
        self._error = error

    def put_log_events(self, **request: Any) -> None:
        self.put += request["logEvents"]

    def create_log_stream(self, **request: Any) -> None:
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": "no group"}}, "CreateLogStream")


def test_a_line_keeps_its_own_time() -> None:
    assert {"timestamp": MILLISECONDS, "message": "hello there"} == event(STAMP + b" hello there\r")


def test_lines_and_pieces_need_not_coincide() -> None:
    pieces = [STAMP + b" one\n" + STAMP, b" two", b"\n" + STAMP + b" last words"]

    assert ["one", "two", "last words"] == [one["message"] for one in events(pieces)]


def test_bytes_that_are_no_text_do_not_stop_the_log() -> None:
    assert event(STAMP + b" \xff!")["message"] == "\ufffd!"


def test_the_stream_is_named_after_prefix_container_and_task() -> None:
    options = {"awslogs-group": "/orders/dev", "awslogs-stream-prefix": "orders"}
    definition = {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}}

    assert ("/orders/dev", "orders/app/t1") == stream_of(definition, "t1")
    assert stream_of({"name": "app"}, "t1") is None


def test_a_missing_log_group_is_told_in_the_words_of_ecs() -> None:
    with pytest.raises(
        LogDriverError, match="failed to create Cloudwatch log stream: ResourceNotFoundException"
    ):
        create_stream(Client("ResourceNotFoundException"), "/absent", "s")


def test_a_stream_that_exists_already_is_used() -> None:
    create_stream(Client("ResourceAlreadyExistsException"), "/there", "s")


def test_the_last_words_before_the_end_arrive() -> None:
    client = Client()

    LogStream(client, "g", "s", lambda: [STAMP + b" bye"]).finish()

    assert ["bye"] == [one["message"] for one in client.put]


def test_what_was_read_before_the_stream_broke_arrives() -> None:
    client = Client()
    broken = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield STAMP + b" almost\n"
        broken.set()
        raise OSError("the daemon went away")

    LogStream(client, "g", "s", pieces).finish()

    assert broken.is_set()
    assert ["almost"] == [one["message"] for one in client.put]
