"""Runs workflows with nothing but act: no clone, no stand-in, no Docker."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.clone import clean_environment
from tests.support.workflows.run import Run


def act(
    directory: Path, name: str, event: str, workflows: dict[str, Any], inputs: dict[str, str] | None = None
) -> Run:
    """Run the workflow NAME.yml, which is among these, in a directory with nothing else."""
    inputs = inputs or {}
    for file_name, workflow in workflows.items():
        file = directory / ".github/workflows" / file_name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(workflow), encoding="utf-8")
    (directory / "event.json").write_text(json.dumps({"inputs": inputs}), encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.prefix) / "bin" / "act"), event, "--json",
            "--workflows", f".github/workflows/{name}.yml",
            "--eventpath", "event.json", "--platform", "ubuntu-24.04=-self-hosted", "--pull=false",
            "--no-cache-server", "--container-daemon-socket", "-",
            *(word for key, value in inputs.items() for word in ("--input", f"{key}={value}")),
        ],
        cwd=directory,
        env={**clean_environment(), "DOCKER_HOST": "unix:///nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    return Run(done.returncode, done.stdout, directory)
