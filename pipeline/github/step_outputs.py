"""What a step of a GitHub workflow hands to the steps after it.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
"""

import os
from collections.abc import Mapping
from pathlib import Path


def give(environment: Mapping[str, str] = os.environ, /, **values: str | None) -> None:
    """Append each value that is not None as an output of the step. Outside of a workflow, do nothing.

    Raises ValueError for a value of several lines, which could set outputs of its own.
    """
    lines = [f"{name}={value}" for name, value in values.items() if value is not None]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError(f"an output must be one line: {lines!r}")
    file = environment.get("GITHUB_OUTPUT")
    if file:
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.writelines(f"{line}\n" for line in lines)
