"""An environment's releases as people and machines read them."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.aws.release_record import LOST, Release

_TOLD = {LOST: "no end was recorded: its runner is gone"}


def show(environment: str, releases: Sequence[Release], console: Console) -> None:
    """A table, the latest release first."""
    if not releases:
        console.print(f"{environment}: nothing was released yet, as far as SSM remembers", highlight=False)
        return
    columns = ("began", "action", "version", "commit", "by", "outcome")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for each in releases:
        commit = each.commit[:12] + ("-dirty" if each.commit.endswith("-dirty") else "")
        who = f"{each.by}, {each.run}" if each.run else each.by
        outcome = ": ".join(filter(None, (_TOLD.get(each.outcome, each.outcome), each.why)))
        cells = (each.began, each.action, each.version or "-", commit or "-", who, outcome)
        table.add_row(*map(escape, cells))
    console.print(table)


def as_json(environment: str, releases: Sequence[Release]) -> dict[str, object]:
    """The same for machines."""
    return {"environment": environment, "releases": [each.model_dump() for each in releases]}
