"""ci.yml's gate: its own condition, after jobs that have nothing in them but their end."""

from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.workflows.act import read
from tests.support.workflows.bare import act

CI = ROOT / ".github/workflows/ci.yml"
JOBS = ("check", "unit", "templates", "app", "rehearsal")


def failed(directory: Path, fails: str) -> set[str]:
    """The jobs that fail where the steps of one do."""
    ci = read(CI)
    for name in JOBS:
        end = "exit 1" if name == fails else "true"
        kept = {key: value for key, value in ci["jobs"][name].items() if key in ("runs-on", "strategy")}
        ci["jobs"][name] = {**kept, "steps": [{"run": end}]}
    results = act(directory, "ci", "pull_request", {"ci.yml": ci}).results
    return {
        job.partition("/")[2].rpartition("-")[0] or job.partition("/")[2]
        for job, end in results.items()
        if "failure" == end
    }


@pytest.mark.parametrize("fails", JOBS)
def test_the_gate_fails_with_any_job(tmp_path: Path, fails: str) -> None:
    assert {fails, "gate"} == failed(tmp_path, fails)


def test_the_gate_passes_when_every_job_does(tmp_path: Path) -> None:
    assert set() == failed(tmp_path, "")
