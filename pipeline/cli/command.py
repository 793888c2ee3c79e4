"""A command, declared in one place: its name, its help, its arguments and what runs it."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import SlipwayError

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter

Run = Callable[[argparse.Namespace, "Reporter"], SlipwayError | None]


class Argument:
    """What argparse's add_argument takes. Of a tuple of Arguments exactly one must be given."""

    def __init__(self, *names: str, **options: Any) -> None:  # argparse's own options, of any type
        self._names, self._options = names, options

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Add the argument to a parser or group."""
        parser.add_argument(*self._names, **self._options)


@dataclass(frozen=True)
class Command:
    """A command. name: one word, or a group and an action (`github comment`). run: gives the error to exit
    with, or None.
    """

    name: str
    help: str
    arguments: tuple[Argument | tuple[Argument, ...], ...]
    run: Run

    def add_to(self, commands: "argparse._SubParsersAction[argparse.ArgumentParser]", word: str) -> None:
        """Add the command to the command line as `word`."""
        parser = commands.add_parser(word, help=self.help, description=self.help)
        for argument in self.arguments:
            if isinstance(argument, Argument):
                argument.add_to(parser)
            else:
                either = parser.add_mutually_exclusive_group(required=True)
                for one in argument:
                    one.add_to(either)
        parser.set_defaults(run=self.run, command=self.name)
        if JSON not in self.arguments:
            parser.set_defaults(json=False)


def flag(name: str, help_: str) -> Argument:
    """An option without a value."""
    return Argument(name, action="store_true", help=help_)


def option(name: str, metavar: str, help_: str, **options: Any) -> Argument:
    """An argument with a value: text, unless `type` says otherwise."""
    return Argument(name, metavar=metavar, help=help_, **options)


def command(name: str, help_: str, *arguments: Argument | tuple[Argument, ...]) -> Callable[[Run], Command]:
    """A decorator that makes a Command of the function that runs it."""
    return lambda run: Command(name, help_, arguments, run)


def print_json(value: Any) -> None:
    """One JSON document on standard output. value: of dicts, lists and what has a str()."""
    print(json.dumps(value, indent=2, default=str))


def replaces(given: Sequence[str], labels: str = "") -> frozenset[str]:
    """What --replace names. given: the option's values, each of any number of names, as a workflow's input
    is. labels: of a pull request, of which `replace:STACK/RESOURCE` names one, too.
    """
    named = [name for value in given for name in value.replace(",", " ").split()]
    named += [word.removeprefix("replace:") for word in labels.split() if word.startswith("replace:")]
    return frozenset(named)


ENVIRONMENT = option("environment", "ENV", "an environment: a file in infra/environments/")
JSON = flag("--json", "one JSON document on standard output")
APP = option("--app", "DIRECTORY", "the service in DIRECTORY instead of the one in app/", type=Path)
WAIT = option(
    "--wait",
    "MINUTES",
    "how long to wait while another command holds ENV; 0 refuses at once (as long as a stack may take)",
    type=float,
)
LEDGER = option("--ledger", "FILE", "where the production probe keeps its ledger (.slipway/)", type=Path)
REPLACE = option(
    "--replace",
    "STACK/RESOURCE",
    "replace or remove this resource, which holds data: rds-database/Database (once for each)",
    action="append",
    default=[],
)
MARKDOWN_FILES = "Markdown files, joined in this order"
