"""A command, run in this process as the command line runs it."""

import io

from rich.console import Console

from pipeline import __main__ as edge
from pipeline.cli import commands


def run(*words: str) -> tuple[int, str]:
    """Its exit code, and what it said."""
    out = io.StringIO()
    code = edge.main_inner(commands.parser().parse_args(words), Console(file=out, width=200))
    return code, out.getvalue()
