"""Log lines come once, in order, and however late."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.inspect import logs
from tests.support.fakes import Paginates, client_error
from tests.support.small_project import world


class FakeLogs(Paginates):
    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.requests: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.requests.append(dict(request))
        return self.pages.pop(0)


def event(number: int, message: str) -> dict[str, Any]:
    return {"eventId": str(number), "timestamp": number * 1000, "message": message, "logStreamName": "app/1"}


def test_a_time_is_a_number_and_a_unit() -> None:
    assert [30, 600, 7200, 86400] == [logs.seconds(t) for t in ("30s", "10m", "2h", "1d")]
    for wrong in ("10", "m", "1w", "-1m", ""):
        with pytest.raises(UsageError):
            logs.seconds(wrong)


def test_every_page_is_read_and_no_line_comes_twice() -> None:
    fake = FakeLogs(
        {"events": [event(1, "one\n")], "nextToken": "t"},
        {"events": [event(2, "two\n")]},
        {"events": [event(2, "two\n"), event(3, "three\n")]},
    )
    reader = logs.Reader(fake, "/orders/dev", 0)

    assert ["00:00:01 app/1 one", "00:00:02 app/1 two"] == list(reader.new())
    assert ["00:00:03 app/1 three"] == list(reader.new())
    assert "t" == fake.requests[1]["nextToken"]


def test_a_line_that_becomes_visible_late_is_not_lost() -> None:
    fake = FakeLogs(
        {"events": [event(100, "new")]},
        {"events": [event(90, "late"), event(100, "new")]},
    )
    reader = logs.Reader(fake, "/orders/dev", 0)
    list(reader.new())

    assert ["00:01:30 app/1 late"] == list(reader.new())
    assert 40_000 == fake.requests[1]["startTime"]


def test_a_log_group_that_is_gone_has_no_lines() -> None:
    class Gone(FakeLogs):
        def filter_log_events(self, **request: Any) -> dict[str, Any]:
            raise client_error("FilterLogEvents", "ResourceNotFoundException", "gone")

    assert [] == list(logs.Reader(Gone(), "/orders/dev", 0).new())


def test_the_log_group_is_found_by_its_output(tmp_path: Path) -> None:
    fake = FakeLogs({"events": [event(1, "hello")]})
    lines: list[str] = []

    logs.tail(world(tmp_path, logs=fake).deployed().context, 600, lines.append, follow=False)

    assert ["00:00:01 app/1 hello"] == lines
    assert "/orders/dev" == fake.requests[0]["logGroupName"]


def test_following_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    class Endless(FakeLogs):
        def filter_log_events(self, **request: Any) -> dict[str, Any]:
            if len(self.requests) == 3:
                raise KeyboardInterrupt
            self.requests.append(request)
            return {"events": [event(len(self.requests), "tick")]}

    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        logs.tail(world(tmp_path, logs=Endless()).deployed().context, 600, lines.append, follow=True)

    assert 3 == len(lines)


def test_without_a_log_group_the_next_step_is_a_deploy(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        logs.tail(world(tmp_path).context, 600, print, follow=False)

    assert "python -m pipeline deploy dev" == refused.value.next_step
