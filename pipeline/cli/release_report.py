"""A deploy as people and machines read it: the final table, one JSON document."""

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.checks.smoke import Outcome as CheckOutcome
from pipeline.cli.console import coloured, error_as_json
from pipeline.graph import runner
from pipeline.graph.runner import Ending, Outcome
from pipeline.release.deploy import Released


def show(released: Released, console: Console, action: str = "deploy") -> None:
    """The final table. action: the command that released."""
    path = runner.critical_path(released.nodes)
    columns = "node", "outcome", Column("time", justify="right")
    table = Table(*columns, title=f"{action} {released.environment}", title_justify="left")
    for name, outcome in released.nodes.items():
        seconds = f"{outcome.seconds:.1f} s" if outcome.ending is not Ending.NOT_STARTED else ""
        table.add_row(escape(name), coloured(outcome.word), seconds)
    console.print(table)
    for name, fact in _facts(released, path):
        console.print(f"{name + ':':<15}{escape(fact)}", highlight=False, soft_wrap=True)


def as_json(released: Released) -> dict[str, object]:
    """A deploy for machines; times in seconds."""
    return {
        "environment": released.environment,
        "succeeded": released.failure is None,
        "notice": released.notice or None,
        "url": released.url,
        "version": released.version,
        "image": released.image,
        "seconds": round(released.seconds, 3),
        "aws_calls": released.calls,
        "nodes": [
            {"name": name, "outcome": o.word, "seconds": round(o.seconds, 3)}
            for name, o in released.nodes.items()
        ],
        "critical_path": [o.name for o in runner.critical_path(released.nodes)],
        "checks": checks_as_json(released.checks),
        "error": None if released.failure is None else error_as_json(released.failure),
    }


def checks_as_json(checks: tuple[CheckOutcome, ...] | list[CheckOutcome]) -> list[dict[str, object]]:
    """Smoke tests for machines; times in seconds."""
    return [{**asdict(check), "seconds": round(check.seconds, 3)} for check in checks]


def _facts(released: Released, path: list[Outcome]) -> list[tuple[str, str]]:
    facts = []
    if path:
        length = sum(o.seconds for o in path)
        wall = path[-1].ended - min(o.started for o in released.nodes.values())
        ratio = f", the graph took {wall:.1f} s ({wall / length:.2f} times that)" if length > 0 else ""
        facts.append(("critical path", f"{' -> '.join(o.name for o in path)} ({length:.1f} s{ratio})"))
    facts.append(("AWS calls", str(released.calls)))
    facts.append(("time", f"{released.seconds:.1f} s"))
    if released.version:
        facts.append(("version" if released.failure is None else "was to be", released.version))
    if released.checks:
        passed = sum(c.passed for c in released.checks)
        facts.append(("smoke tests", f"{passed} of {len(released.checks)} passed"))
    if all(o.word == "unchanged" for o in released.nodes.values()):
        facts.append(("changes", "nothing changed: everything is as it should be"))
    if released.url:
        facts.append(("URL", released.url))
    return facts
