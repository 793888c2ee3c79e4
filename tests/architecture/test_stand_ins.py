"""The workflows give the actions what the stand-ins, and so the real actions, want."""

import json
import re
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT
from tests.support.workflows.act import ACTIONS, read, stand_ins, tell_jobs

GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
FILES = [*WORKFLOWS, *sorted(GITHUB.glob("actions/*/action.yml"))]

RANK = {"none": 0, "read": 1, "write": 2}


def steps(file: Path) -> list[dict[str, Any]]:
    found = read(file)
    if "runs" in found:
        return list(found["runs"]["steps"])
    return [step for job in found["jobs"].values() for step in job.get("steps", ())]


def used(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """Each action from elsewhere that the file uses: its name and the step."""
    return [
        (step["uses"].partition("@")[0].rpartition("/")[2], step)
        for step in steps(file)
        if "@" in step.get("uses", "")
    ]


def test_an_action_is_given_all_that_it_requires_and_nothing_that_it_does_not_know() -> None:
    failures = []
    for file in FILES:
        for name, step in used(file):
            inputs, given = read(ACTIONS / name / "action.yml")["inputs"], set(step.get("with", {}))
            required = {key for key, value in inputs.items() if value.get("required")}
            if not required <= given <= set(inputs):
                failures.append(
                    (file.name, name, {"lacks": required - given, "unknown": given - set(inputs)})
                )

    assert [] == failures


def test_an_output_that_is_read_of_an_action_is_one_that_it_has() -> None:
    failures = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        for name, step in used(file):
            read_of_it = set(re.findall(rf"steps\.{step.get('id', '-')}\.outputs\.([\w-]+)", text))
            if unknown := read_of_it - set(read(ACTIONS / name / "action.yml")["outputs"]):
                failures.append((file.name, name, unknown))

    assert [] == failures


def test_a_called_workflow_asks_for_no_permission_that_its_caller_does_not_grant() -> None:
    too_much = [
        (file.name, called, name, scope)
        for file in WORKFLOWS
        for called, caller in read(file)["jobs"].items()
        if caller.get("uses", "").startswith("./")
        for name, job in read(ROOT / caller["uses"])["jobs"].items()
        for scope, level in job["permissions"].items()
        if RANK[level] > RANK[caller.get("permissions", {}).get(scope, "none")]
    ]

    assert [] == too_much


def test_telling_the_jobs_what_act_does_not_changes_nothing_else(tmp_path: Path) -> None:
    for file in WORKFLOWS:
        (tmp_path / file.name).write_text(file.read_text())

    tell_jobs(tmp_path)

    for file in WORKFLOWS:
        told = read(tmp_path / file.name)
        kept = set((tmp_path / file.name).read_text().splitlines())
        assert set() == {line for line in file.read_text().splitlines() if line not in kept}
        for name, job in told["jobs"].items():
            if "uses" not in job:
                assert {"environment", "permissions"} == set(json.loads(job["env"].pop("STAND_IN_JOB")))
            if "env" not in read(file)["jobs"][name]:
                job.pop("env", None)
        assert read(file) == told


def test_each_stand_in_is_named_with_the_commit_that_the_workflow_pins() -> None:
    checkout = f"actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1={ACTIONS / 'checkout'}"

    assert checkout in stand_ins(FILES)
