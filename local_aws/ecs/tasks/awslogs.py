"""The awslogs log driver: sends each line of a container's output to CloudWatch Logs of the local AWS.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.shapes import CloudWatchLogsClient, ContainerDefinition, LogEvent

logger = logging.getLogger("slipway.logs")
BATCH_SECONDS = 1.0
BATCH_EVENTS = 1000
LONGEST_EVENT_BYTES = 256 * 1024 - 26


class LogDriverError(Exception):
    """The log stream could not be created, so the container does not start. The message is ECS's."""


def stream_of(definition: ContainerDefinition, task_id: str) -> tuple[str, str] | None:
    """The log group and log stream of a container definition, None without the awslogs driver."""
    configuration = definition.get("logConfiguration")
    if not configuration or configuration.get("logDriver") != "awslogs":
        return None
    options = configuration["options"]
    return options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{definition['name']}/{task_id}"


def create_stream(client: CloudWatchLogsClient, group: str, stream: str) -> None:
    """Create the log stream. Raises LogDriverError in AWS's words, e.g. when the log group does not exist."""
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except ClientError as error:
        code, words = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code != "ResourceAlreadyExistsException":
            raise LogDriverError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried "
                f"1 times: failed to create Cloudwatch log stream: {code}: {words} : exit status 1"
            ) from error


def events(pieces: Iterable[bytes]) -> Iterator[LogEvent]:
    """The log events in Docker's output with times. A piece may end within a line."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(event, lines)
    if rest:
        yield event(rest)


def event(line: bytes) -> LogEvent:
    """A log event, {"timestamp": milliseconds since 1970, "message": text}, from "<RFC 3339 time> <text>"."""
    stamp, _, message = line.partition(b" ")
    try:
        # Docker writes nanoseconds, Python reads microseconds.
        moment = datetime.fromisoformat(f"{stamp.decode()[:26].rstrip('Z')}+00:00").timestamp()
    except ValueError:
        message, moment = line, time.time()
    text = message.rstrip(b"\r")[:LONGEST_EVENT_BYTES].decode("utf-8", "replace")
    return {"timestamp": int(moment * 1000), "message": text}


class LogStream:
    """Sends one container's output to one log stream, on two threads: one reads, one sends batches."""

    def __init__(
        self, client: CloudWatchLogsClient, group: str, stream: str, pieces: Callable[[], Iterable[bytes]]
    ) -> None:
        self._client = client
        self._group, self._stream = group, stream
        self._pieces = pieces
        self._waiting: list[LogEvent] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, name=f"read {stream}", daemon=True)
        self._sender = threading.Thread(target=self._send, name=f"send {stream}", daemon=True)
        self._reader.start()
        self._sender.start()

    def finish(self, timeout: float = 10) -> None:
        """Wait until the container's last lines are sent, for at most `timeout` seconds."""
        self._reader.join(timeout)
        self._ended.set()
        self._sender.join(timeout)

    def _read(self) -> None:
        try:
            for one in events(self._pieces()):
                if one["message"]:
                    with self._lock:
                        self._waiting.append(one)
        except Exception:
            # When dockerd or the container ends the stream, the lines that were read are still sent.
            logger.exception("the output of a container could not be read to its end")
        finally:
            self._ended.set()

    def _send(self) -> None:
        while True:
            ended = self._ended.wait(BATCH_SECONDS)
            with self._lock:
                batch, self._waiting = self._waiting[:BATCH_EVENTS], self._waiting[BATCH_EVENTS:]
                left = bool(self._waiting)
            if batch:
                self._put(batch)
            if ended and not left:
                return

    def _put(self, batch: list[LogEvent]) -> None:
        try:
            self._client.put_log_events(
                logGroupName=self._group,
                logStreamName=self._stream,
                logEvents=sorted(batch, key=lambda one: one["timestamp"]),
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("%d log lines of %s were lost: %s", len(batch), self._stream, error)
