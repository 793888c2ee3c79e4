"""Access to MiniStack's modules: by the name of a service's module and a name in it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

put = setattr
"""The only function that replaces anything in MiniStack. Tests replace `put`, to undo what it did."""


def get(module: str, name: str) -> Any:
    """The value of a name in a module of MiniStack's services."""
    return getattr(import_module(f"ministack.services.{module}"), name)


def replace(module: str, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replace the value of a name by wrap(the value)."""
    put(import_module(f"ministack.services.{module}"), name, wrap(get(module, name)))
