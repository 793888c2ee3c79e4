"""The cursor of a page: opaque to clients, so that what it holds may change."""

import base64
import binascii
import re

_SHAPE = re.compile(r"1:([1-9][0-9]{0,18})")


class BadCursorError(ValueError):
    """The text is not a cursor that this service gave out."""


def encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(f"1:{last_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The id of the last order already seen. Raises BadCursorError."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error, ValueError) as error:
        raise BadCursorError(cursor) from error
    match = _SHAPE.fullmatch(plain)
    if match is None:
        raise BadCursorError(cursor)
    return int(match[1])
