"""How this package reaches inside MiniStack: by the name of a service's module and of something in it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

put = setattr
"""The one place where something inside MiniStack is replaced; tests put it back afterwards."""


def get(module: str, name: str) -> Any:
    """What a module of MiniStack's services holds under a name."""
    return getattr(import_module(f"ministack.services.{module}"), name)


def replace(module: str, name: str, wrap: Callable[[Any], Any]) -> None:
    """Put wrap(what is there) in the place of a function that no table leads to."""
    put(import_module(f"ministack.services.{module}"), name, wrap(get(module, name)))
