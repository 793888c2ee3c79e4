"""The service's log lines, from CloudWatch Logs."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.aws.errors import Tolerated
from pipeline.context import Context
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import FilteredLogEventTypeDef

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """`10m` in seconds. Raises UsageError for anything but a number with s, m, h or d."""
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise UsageError(f"--since {text!r} is not a time", next_step="write it as 30s, 10m, 2h or 1d")
    return int(match[1]) * _UNITS[match[2]]


def tail(context: Context, since: int, line: Callable[[str], None], *, follow: bool) -> None:
    """Print the lines of the last `since` seconds, and with `follow` every further line, until Ctrl-C.

    Raises UsageError where no stack has a log group.
    """
    group = context.live_outputs().get("LogGroupName")
    if group is None:
        raise UsageError(
            f"there is no log group in {context.environment.name}",
            why="no stack gives the output LogGroupName",
            next_step=f"python -m pipeline deploy {context.environment.name}",
        )
    reader = Reader(context.aws.client("logs"), group, _now_ms() - since * 1000)

    def tell_new() -> None:
        for text in reader.new():
            line(text)

    if follow:
        waiter = replace(context.waiter, longest_pause=2.0)
        waiter.until(tell_new, what=f"the log of {group}", timeout=math.inf)
    else:
        tell_new()


class Reader:
    """Gives each line once, by the event's id: events become visible late and share milliseconds.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """

    def __init__(self, logs: "CloudWatchLogsClient", group: str, start_ms: int) -> None:
        self._logs = logs
        self._group = group
        self._start = start_ms
        self._seen: dict[str, int] = {}

    def new(self) -> Iterator[str]:
        """The lines that were not given before; none while there is no log group."""
        pages = self._logs.get_paginator("filter_log_events")
        with Tolerated("ResourceNotFoundException"):
            for page in pages.paginate(logGroupName=self._group, startTime=self._start):
                for event in page["events"]:
                    if event["eventId"] not in self._seen:
                        self._seen[event["eventId"]] = event["timestamp"]
                        yield _text(event)
        if self._seen:
            # A minute of overlap for what arrives late.
            self._start = max(self._start, max(self._seen.values()) - 60_000)
            self._seen = {key: at for key, at in self._seen.items() if at >= self._start}


def _text(event: "FilteredLogEventTypeDef") -> str:
    when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S")
    return f"{when} {event.get('logStreamName', '')} {event['message'].rstrip()}"


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
