"""Structured logs: one JSON object per line on stdout, each with the request it belongs to."""

import json
import logging
import logging.config
import sys
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
# json.dumps would make an encoder for every line.
_to_json = json.JSONEncoder(default=str, ensure_ascii=False).encode


def new_request_id() -> str:
    return uuid.uuid4().hex


class JsonFormatter(logging.Formatter):
    """time (UTC), level, logger, message, version, request_id when there is one, then the `extra` fields."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "version": self._version,
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _to_json(line)


def configure_logs(*, level: str, version: str) -> None:
    """Send every logger, uvicorn's and alembic's too, through the JSON formatter to stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(version))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn's own lines say what ours say, with the request's id and the service's words missing.
    logging.getLogger("uvicorn").setLevel("WARNING")
    logging.getLogger("alembic").setLevel(level)
    logging.captureWarnings(capture=True)
