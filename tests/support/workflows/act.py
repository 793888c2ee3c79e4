"""Runs a workflow with act (https://nektosact.com) on this machine.

Host mode: the steps are processes here, not containers, so act itself needs no Docker; the steps reach Docker
as a GitHub runner's do. act knows nothing of the environment and permissions of a job, which GitHub's token
service reads. So each job of the clone is told them in an `env` of its own; nothing else in them is touched.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.strict_yaml import SafeLoader
from tests.support.clone import Clone, clean_environment
from tests.support.workflows.run import Run

HERE = Path(__file__).parent
ACTIONS = HERE / "actions"
REPOSITORY = "example/orders"
TOKEN = "ghs_" + "w" * 12 + "Slipway" + "w" * 12
"""What GITHUB_TOKEN is: long and like no other word, for act masks it wherever it stands."""


class _Loader(SafeLoader):
    """YAML 1.2's booleans, as GitHub reads them: `on` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def read(workflow: Path) -> dict[str, Any]:
    """A workflow or an action as data."""
    found: dict[str, Any] = yaml.load(workflow.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is safe
    return found


def tell_jobs(workflows: Path) -> None:
    """Put each job's environment and permissions into its own STAND_IN_JOB, in place; every comment stays."""
    for file in workflows.glob("*.yml"):
        told, name, waiting = [], "", False
        workflow = read(file)
        for line in file.read_text(encoding="utf-8").splitlines():
            told.append(line)
            if found := re.fullmatch(r"  ([\w-]+):", line):
                name = found[1]
                waiting = name in workflow["jobs"] and "uses" not in workflow["jobs"][name]
            if waiting and re.match("    env:" if "env" in workflow["jobs"][name] else "    runs-on:", line):
                if not line.startswith("    env:"):
                    told.append("    env:")
                told.append(f"      STAND_IN_JOB: '{json.dumps(_facts(workflow, name))}'")
                waiting = False
        file.write_text("\n".join(told) + "\n", encoding="utf-8")


def _facts(workflow: dict[str, Any], name: str) -> dict[str, Any]:
    job = workflow["jobs"][name]
    environment = job.get("environment", "")
    return {
        "environment": environment["name"] if isinstance(environment, dict) else environment,
        "permissions": job.get("permissions", workflow.get("permissions", {})),
    }


def stand_ins(files: list[Path]) -> Iterator[str]:
    """owner/name@sha=directory, for each action that these workflows and actions use."""
    for file in files:
        for used in re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)", file.read_text(encoding="utf-8")):
            name = used[0].partition("/")[2]
            yield f"{used[0]}@{used[1]}={ACTIONS / name}"


@dataclass
class Forge:
    """A repository at GitHub as far as its workflows can tell: a clone, act, and our stand-ins."""

    clone: Clone
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def run(self, workflow: str, event: str, **more: Any) -> Run:
        """Run it to its end; `more` as for start."""
        state, process = self.start(workflow, event, **more)
        try:
            raw, _ = process.communicate(timeout=800)
        finally:
            kill_all(state)  # nothing is left but where it took too long, or somebody pressed Ctrl-C
        return self._ended(workflow, event, Run(process.returncode, raw, state))

    def cancel(self, workflow: str, event: str, word: str, **more: Any) -> Run:
        """Run it until a step prints `word`; then SIGKILL to act and every step, as when a runner is lost."""
        state, process = self.start(workflow, event, **more)
        assert process.stdout is not None
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line)
            if word in line and '"raw_output":true' in line:
                break
        kill_all(state)
        process.wait()
        return self._ended(workflow, event, Run(process.returncode, "".join(seen), state))

    def start(
        self,
        workflow: str,
        event: str,
        *,
        payload: dict[str, Any] | None = None,
        state: Path | None = None,
        inputs: dict[str, str] | None = None,
        **environment: str,
    ) -> "tuple[Path, subprocess.Popen[str]]":
        """Begin a run. payload: the event without a dispatch's inputs. state: of a run that this re-runs."""
        self.runs += 1
        state = state or self.directory / f"{self.runs:02}-{workflow}-{event}"
        state.mkdir(parents=True, exist_ok=True)
        event_file = state / "event.json"
        repository = {"full_name": REPOSITORY, "default_branch": "main"}
        event_of = {"repository": repository, "inputs": inputs or {}, **(payload or {})}
        event_file.write_text(json.dumps(event_of))
        (state / "secrets").write_text(
            f"GITHUB_TOKEN={TOKEN}\n"
        )  # in the environment, each step would see it
        github = self.clone.path / ".github"
        files = [*github.glob("workflows/*.yml"), *github.glob("actions/*/action.yml")]
        seen_by_steps = {
            **self.environment,
            "STAND_INS": str(HERE),
            "STAND_IN_PYTHON": sys.executable,
            "STAND_IN_REPOSITORY": str(self.clone.path),
            "STAND_IN_STATE": str(state),
            "STAND_IN_WORKFLOW": f".github/workflows/{workflow}.yml",
            "STAND_IN_VENVS": str(Path(sys.prefix).parent),
            "DOCKER_HOST": os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
            "NO_COLOR": "1",
            "TERM": "dumb",
            **environment,
        }
        command = [
            str(Path(sys.prefix) / "bin" / "act"), event, "--json",
            "--workflows", f".github/workflows/{workflow}.yml", "--eventpath", str(event_file),
            "--platform", "ubuntu-24.04=-self-hosted", "--pull=false", "--no-cache-server",
            "--no-skip-checkout", "--container-daemon-socket", "-", "--action-cache-path", str(state / "act"),
            "--secret-file", str(state / "secrets"), "--actor", "somebody", "--defaultbranch", "main",
        ]  # fmt: skip
        for option, values in (
            ("--local-repository", sorted(set(stand_ins(files)))),
            ("--env", [f"{name}={value}" for name, value in seen_by_steps.items()]),
            ("--input", [f"{name}={value}" for name, value in (inputs or {}).items()]),
        ):
            command.extend(word for value in values for word in (option, value))
        process = subprocess.Popen(
            command,
            cwd=self.clone.path,
            env={
                **clean_environment(),
                "PATH": f"{HERE / 'bin'}:{os.environ['PATH']}",
                "DOCKER_HOST": "unix:///nonexistent",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return state, process

    def _ended(self, workflow: str, event: str, run: Run) -> Run:
        (run.state / "act.jsonl").write_text(run.raw)
        print(f"act {event} {workflow}: {run.exit_code} {run.results}\n{run.said[-20000:]}")
        if kept := os.environ.get("SLIPWAY_WORKFLOW_SUMMARIES"):
            _keep_summaries(Path(kept), f"{workflow}.yml on {event}", run)
        return run


def _keep_summaries(file: Path, title: str, run: Run) -> None:
    """Append what GitHub would show for the run to `file`, job by job; at once: others append too."""
    shown = (
        f"\n<!-- {title}, {job}: {result} -->\n\n{summary}\n"
        for job, result in run.results.items()
        if (summary := run.summary(job))
    )
    with file.open("ab", buffering=0) as kept:
        kept.write("".join(shown).encode())


def kill_all(state: Path) -> None:
    """SIGKILL to every process of the run: act puts each step into a session of its own."""
    mark = f"STAND_IN_STATE={state}".encode()
    for _ in range(50):
        ours = [pid for pid in _processes() if mark in _read(pid, "environ") + _read(pid, "cmdline")]
        if not ours:
            return
        for pid in ours:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    raise AssertionError(f"still there after SIGKILL: {ours}")


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""
