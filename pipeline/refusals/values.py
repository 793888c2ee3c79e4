"""Values of properties. CloudFormation takes "80" for a number and "true" for a boolean, and so do these."""

import re
from collections.abc import Iterator
from typing import Any, Final


class Unknown:
    """A value that only the deploy or AWS knows, an attribute of another resource for example.

    words: the value with `${Name}` for what is unknown. Equal words mean equal values.
    """

    def __init__(self, words: str = "${}") -> None:
        self.words = words

    def __repr__(self) -> str:
        return f"Unknown({self.words!r})"


UNKNOWN: Final = Unknown()
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def known(value: Any) -> bool:
    """Whether nothing inside the value is unknown."""
    if isinstance(value, dict):
        return all(known(one) for one in value.values())
    if isinstance(value, list):
        return all(known(one) for one in value)
    return not isinstance(value, Unknown)


def number(value: Any) -> float | None:
    """The number that a value stands for, None where the value is unknown or no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    return float(value) if _NUMBER.fullmatch(str(value)) else None


def text(value: Any) -> str | None:
    """A scalar as CloudFormation writes it, None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float, str)) else None


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """The mappings in a list; nothing for a value of another shape."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield one


def texts(value: Any) -> Iterator[str]:
    """The texts of a list or of a single value."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one
