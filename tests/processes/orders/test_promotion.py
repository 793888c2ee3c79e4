"""Which environments a run of deploy.yml comes to: its own jobs and conditions, with nothing in the jobs."""

import json
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.workflows.act import read
from tests.support.workflows.bare import act
from tests.support.workflows.fork import ENVIRONMENTS

DEPLOY = ROOT / ".github/workflows/deploy.yml"
BY_HAND = {
    "environment": "dev",
    "action": "deploy",
    "image": "",
    "ref": "",
    "strategy": "ROLLING",
    "despite-alarms": "false",
}


def succeed(
    directory: Path, event: str, reached: list[str], fails: str = "", inputs: dict[str, str] | None = None
) -> set[str]:
    """The jobs that succeed where the environments `reached` have an account and the job `fails` fails."""
    deploy = read(DEPLOY)
    for name, job in deploy["jobs"].items():
        kept = {key: job[key] for key in ("needs", "if") if key in job}
        step = {"id": "environments", "run": "exit 1" if name == fails else "true"}
        if name == "environments":
            kept["outputs"] = job["outputs"]
            step["run"] = f"echo 'names={json.dumps(reached)}' >> \"$GITHUB_OUTPUT\""
        deploy["jobs"][name] = {**kept, "runs-on": "ubuntu-24.04", "steps": [step]}
    results = act(directory, "deploy", event, {"deploy.yml": deploy}, inputs or {}).results
    return {job.partition("/")[2] for job, result in results.items() if result == "success"}


@pytest.mark.parametrize(
    ("reached", "fails", "released"),
    [
        (["dev", "staging", "prod"], "", {"dev", "staging", "prod"}),
        (["dev", "prod"], "", {"dev", "prod"}),
        (["dev", "staging"], "", {"dev", "staging"}),
        (["dev"], "", {"dev"}),
        (["staging", "prod"], "", set()),
        ([], "", set()),
        (["dev", "staging", "prod"], "staging", {"dev"}),
        (["dev", "prod"], "dev", set()),
        (["dev", "prod"], "attest", set()),
    ],
)
def test_a_push_comes_to_every_environment_with_an_account_until_one_fails(
    tmp_path: Path, reached: list[str], fails: str, released: set[str]
) -> None:
    assert released == succeed(tmp_path, "push", reached, fails) & set(ENVIRONMENTS)


@pytest.mark.parametrize(
    ("action", "image", "jobs"),
    [
        ("deploy", "", {"build", "sbom", "attest", "by-hand"}),
        ("deploy", "sha256:0", {"by-hand"}),
        ("rollback", "", {"by-hand"}),
        ("smoke", "", {"by-hand"}),
        ("plan", "", {"plan-by-hand"}),
    ],
)
def test_by_hand_nothing_is_promoted_and_only_what_the_action_needs_is_run(
    tmp_path: Path, action: str, image: str, jobs: set[str]
) -> None:
    inputs = {**BY_HAND, "action": action, "image": image}

    assert {"environments"} | jobs == succeed(tmp_path, "workflow_dispatch", [*ENVIRONMENTS], "", inputs)


@pytest.mark.parametrize(("ticked", "more"), [("false", ""), ("true", " --despite-alarms")])
def test_what_is_chosen_by_hand_is_what_the_release_is_told(tmp_path: Path, ticked: str, more: str) -> None:
    deploy, release = read(DEPLOY), read(DEPLOY.with_name("release.yml"))
    by_hand = {key: deploy["jobs"]["by-hand"][key] for key in ("uses", "with")}
    (step,) = [step for step in release["jobs"]["release"]["steps"] if step.get("id") == "deploy"]
    step["run"] = step["run"].replace(".venv/bin/python", "echo")
    environment = release["jobs"]["release"]["env"]
    release["jobs"] = {"release": {"runs-on": "ubuntu-24.04", "env": environment, "steps": [step]}}
    release["on"]["workflow_call"].pop("outputs")

    run = act(
        tmp_path,
        "deploy",
        "workflow_dispatch",
        {"deploy.yml": {**deploy, "jobs": {"by-hand": by_hand}}, "release.yml": release},
        {**BY_HAND, "despite-alarms": ticked},
    )

    told = f"--image  --strategy ROLLING --replace  --commit {more}"
    assert f"-m pipeline deploy dev {told}\n" in run.said
