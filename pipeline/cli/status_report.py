"""An environment's status as people and machines read it."""

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.aws.databases import Database
from pipeline.aws.release_record import Release
from pipeline.inspect.status import Overview


def show(seen: Overview, console: Console) -> None:
    """Stacks, then the service with its tasks and targets."""
    _table(
        console,
        "stacks",
        ("stack", "status", "last changed"),
        [(line.stack, line.status, line.changed_at) for line in seen.stacks],
    )
    for line in seen.stacks:
        for note in filter(None, (line.note, line.reason)):
            console.print(f"{line.stack}: {escape(note)}", highlight=False, soft_wrap=True)
    for database in seen.databases:
        _database(console, database)
    if seen.released is not None:
        console.print(f"{'released:':<12}{escape(_told(seen.released))}", highlight=False, soft_wrap=True)
    if seen.service is None:
        console.print(f"{seen.environment}: no service is deployed", highlight=False)
        return
    for name, value in (
        ("version", seen.version or "unknown"),
        ("image", seen.image),
        ("service", seen.service),
        *(("deployment", text) for text in seen.deployments),
        ("URL", seen.url),
    ):
        console.print(f"{name + ':':<12}{escape(str(value))}", highlight=False, soft_wrap=True)
    _table(
        console,
        "tasks",
        ("task", "status", "health", "version", "started"),
        [(t.task_id, t.status, t.health, t.version, t.started_at) for t in seen.tasks],
    )
    _table(
        console,
        "targets",
        ("target group", "address", "state", "reason"),
        [(t.group, t.address, t.state, t.reason) for t in seen.targets],
    )


def _told(released: Release) -> str:
    words = [released.version or "an unknown version"]
    words += [f"of commit {released.commit}"] if released.commit else []
    words.append(f"by {released.by}, {released.began}: {released.outcome}")
    return " ".join([*words, *filter(None, [released.run])])


def as_json(seen: Overview) -> dict[str, object]:
    """A status for machines."""
    released = seen.released.model_dump() if seen.released else None
    return {**asdict(seen), "released": released}


def _database(console: Console, database: Database) -> None:
    lines = [f"{database.engine} on {database.instance_class}, {database.status}"]
    lines += [
        f"{name} {value} is pending until the maintenance window ({database.window}, UTC)"
        for name, value in database.pending.items()
    ]
    if database.restart:
        lines.append("parameters are pending until somebody restarts the database")
    for line in lines:
        console.print(f"{database.identifier}: {escape(line)}", highlight=False, soft_wrap=True)


def _table(console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
