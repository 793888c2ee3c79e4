"""What people see: live on a terminal, plain lines elsewhere, groups and annotations in GitHub Actions."""

import functools
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import IO, cast

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from pipeline.aws import errors
from pipeline.checks.smoke import Outcome as CheckOutcome
from pipeline.errors import SlipwayError
from pipeline.github import workflow_commands
from pipeline.graph.runner import Ending, Outcome

_NAMED = re.compile(r"(infra/[\w./-]+\.yaml(?::\d+)?):? (.+)")
"""A detail that begins with the file, and perhaps the line, that is at fault."""
COLOURS = {"failed": "red", "not started": "yellow", "running": "cyan", "waiting": "dim", "unchanged": "dim"}


class Reporter:
    """Everything that is printed passes here; safe to call from the nodes' threads."""

    def __init__(self, console: Console, environment: Mapping[str, str] = os.environ) -> None:
        self.console = console
        self._github: workflow_commands.Output | None = None
        if environment.get("GITHUB_ACTIONS") == "true":
            self._github = workflow_commands.Output(console.file)
            console.file = cast(IO[str], self._github)
        self._lock = threading.Lock()
        self._started_at = time.monotonic()
        self._states: dict[str, tuple[str, float, float | None]] = {}
        self._last: dict[str, str] = {}
        self._live: Live | None = None

    def __enter__(self) -> "Reporter":
        if self.console.is_terminal and not self._github:
            self._live = Live(
                console=self.console, get_renderable=self._progress, refresh_per_second=4, transient=True
            )
            self._live.start()
        elif self._github:
            self._github.command("group", "What happened, as it happened")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        elif self._github:
            self._github.command("endgroup")

    def expect(self, names: list[str]) -> None:
        """Show these nodes as waiting until they start."""
        with self._lock:
            self._states = dict.fromkeys(names, ("waiting", 0.0, None))

    def log(self, node: str) -> Callable[[str], None]:
        """A function that prints a line under the name of `node`."""

        def line(text: str) -> None:
            with self._lock:
                self._last[node] = text
                spent = time.monotonic() - self._started_at
                self.console.print(
                    f"[dim]{spent:7.1f}s[/dim] [bold]{escape(node):<13}[/bold] {escape(text)}",
                    highlight=False,
                    soft_wrap=True,
                )

        return line

    def started(self, name: str) -> None:
        """The node `name` runs from now on."""
        with self._lock:
            self._states[name] = ("running", time.monotonic(), None)

    def ended(self, outcome: Outcome) -> None:
        """Print how a node ended."""
        word = outcome.word
        with self._lock:
            began = self._states.get(name := outcome.name, ("", time.monotonic(), None))[1]
            self._states[name] = (word, began, outcome.seconds)
        self.log(outcome.name)(
            word if outcome.ending is Ending.NOT_STARTED else f"{word} in {outcome.seconds:.1f} s"
        )

    def plain(self, line: str) -> None:
        """Print a line of another program as it is."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def running(self) -> list[str]:
        """The names of the nodes that run now."""
        with self._lock:
            return [name for name, (word, _, _) in self._states.items() if word == "running"]

    def checked(self, outcome: CheckOutcome) -> None:
        """Print the outcome of a smoke test."""
        self.log("smoke")(str(outcome))

    def notice(self, text: str) -> None:
        """Print what is no error and must be seen; in GitHub Actions as an annotation too."""
        self.console.print(f"[bold]notice:[/bold] {escape(text)}", highlight=False, soft_wrap=True)
        if self._github is not None:
            self._github.command("notice", text)

    def error(self, error: SlipwayError) -> None:
        """Print an error: details, what, why, next step; in GitHub Actions as annotations too."""
        log = functools.partial(self.console.print, highlight=False, soft_wrap=True)
        for detail in error.details:
            log(f"  {escape(detail)}")
        log(f"[bold red]error:[/bold red] {escape(error.what)}")
        if error.why:
            log(f"  [bold]why:[/bold]  {escape(error.why)}")
        if error.next_step:
            log(f"  [bold]next:[/bold] {escape(error.next_step)}")
        message = f"{error} Next: {error.next_step}" if error.next_step else str(error)
        named = [] if error.where else [found.groups() for found in map(_NAMED.match, error.details) if found]
        for where, words in [(error.where, message), *error.also, *named]:
            self._annotate(where, words)

    def errors_beside(self, failure: SlipwayError, outcomes: Iterable[Outcome]) -> None:
        """Print the errors of the nodes that failed beside the node that `failure` came from."""
        for other in errors.others(failure, {o.name: o.error for o in outcomes}).values():
            self.error(other)

    def nodes(self) -> list[tuple[str, str, float | None]]:
        """Every node: its name, its outcome, and its seconds, None where it has not ended."""
        with self._lock:
            return [(name, word, seconds) for name, (word, _, seconds) in self._states.items()]

    def _annotate(self, where: str, words: str) -> None:
        if self._github is not None:
            file, _, line = where.partition(":")
            self._github.command("error", words, file=file, line=line)

    def _progress(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            for name, (word, began, seconds) in self._states.items():
                spent = seconds if seconds is not None else (time.monotonic() - began if began else None)
                table.add_row(
                    escape(name),
                    coloured(word),
                    "" if spent is None else f"{spent:.0f} s",
                    escape(self._last.get(name, "")[:80]) if word == "running" else "",
                )
        return table


def coloured(word: str) -> str:
    """How a node is or ended, in its colour."""
    colour = COLOURS.get(word, "green")
    return f"[{colour}]{escape(word)}[/{colour}]"


def error_as_json(error: SlipwayError) -> dict[str, object]:
    """An error for machines."""
    return {
        "what": error.what,
        "why": error.why,
        "next_step": error.next_step,
        "details": list(error.details),
        "where": error.where,
        "exit_code": error.exit_code,
    }
