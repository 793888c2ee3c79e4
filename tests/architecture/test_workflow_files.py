"""What must hold of every workflow file; tests/docker/orders/workflows runs them."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import environment
from pipeline.image import provenance
from tests.support.repository import ROOT
from tests.support.workflows import act

WORKFLOWS = {file.name: file for file in sorted((ROOT / ".github/workflows").glob("*.yml"))}
ACTIONS = {
    str(file.relative_to(ROOT)): file for file in sorted((ROOT / ".github/actions").glob("*/action.yml"))
}
FILES = {**WORKFLOWS, **ACTIONS}

PINNED = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
    "actions/attest": ("1e69f48acb82d1966a394da916b4c1698aa569d6", "v4.2.2"),
    "aws-actions/configure-aws-credentials": ("e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3"),
}
"""The actions that may be used: each was looked at, and has a stand-in for the tests that run the workflows.

Dependabot's update of one fails here and says so: look at it, then move the stand-in along."""

OTHER_COMMANDS = {
    ("ci.yml", "gate"): "exit 1",
    ("plan.yml", "plans"): "exit 1",
}
"""What a step may run beside make and the pipeline: a gate has no checkout to run anything from."""

PROMOTION = ["dev", "staging", "prod"]
"""The order in which deploy.yml releases."""


@functools.cache
def read(name: str) -> dict[str, Any]:
    return act.read(FILES[name])


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in WORKFLOWS:
        for job, content in read(name)["jobs"].items():
            yield name, job, content


def steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, job, content in jobs():
        for step in content.get("steps", []):
            yield name, job, step
    for name in ACTIONS:
        for step in read(name)["runs"]["steps"]:
            yield name, "", step


def test_there_are_the_workflows_that_the_documents_speak_of() -> None:
    wanted = {"ci", "deploy", "release", "plan", "regional", "drift", "destroy"}

    assert {f"{name}.yml" for name in wanted} == set(WORKFLOWS)


def test_every_action_is_a_known_one_by_its_commit_with_its_version_beside_it() -> None:
    ours = {"./.github/actions/pipeline", "./.github/workflows/release.yml"}
    strange = [
        (name, action, version)
        for name, file in FILES.items()
        for action, version in re.findall(r"uses: (\S+)(?: # (\S+))?", file.read_text(encoding="utf-8"))
        if action not in ours and PINNED.get(action.partition("@")[0]) != (action.partition("@")[2], version)
    ]
    assert [] == strange


def test_a_workflow_begins_with_no_permissions() -> None:
    assert [] == [name for name in WORKFLOWS if read(name)["permissions"] != {}]


def test_every_job_says_its_own_permissions() -> None:
    assert [] == [(name, job) for name, job, content in jobs() if "permissions" not in content]


def test_what_a_job_may_write_is_what_it_is_for() -> None:
    writes = {
        (name, job): sorted(key for key, value in content["permissions"].items() if value == "write")
        for name, job, content in jobs()
        if "write" in content["permissions"].values()
    }

    assert {
        ("deploy.yml", "build"): ["id-token"],
        ("deploy.yml", "attest"): ["attestations", "id-token"],
        **{("deploy.yml", job): ["id-token"] for job in (*PROMOTION, "by-hand")},
        ("release.yml", "release"): ["id-token"],
        ("deploy.yml", "plan-by-hand"): ["id-token"],
        ("plan.yml", "plan"): ["id-token"],
        ("plan.yml", "comment"): ["pull-requests"],
        ("drift.yml", "drift"): ["id-token", "issues"],
        ("destroy.yml", "destroy"): ["id-token"],
        ("regional.yml", "regional"): ["id-token"],
    } == writes


def test_ci_has_no_secret_and_no_credentials() -> None:
    text = WORKFLOWS["ci.yml"].read_text(encoding="utf-8")

    assert not [word for word in ("secrets.", "id-token", "github.token", "write") if word in text]


def test_no_secret_is_kept_in_the_repository() -> None:
    assert [] == [name for name, file in FILES.items() if "secrets" in file.read_text(encoding="utf-8")]


def test_no_checkout_leaves_a_token_behind() -> None:
    checkouts = [step for _, _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]

    assert [False] * len(checkouts) == [step["with"]["persist-credentials"] for step in checkouts]


def test_nothing_is_pasted_into_a_command() -> None:
    assert [] == [step for _, _, step in steps() if "${{" in step.get("run", "")]


def test_every_command_is_makes_or_the_pipelines() -> None:
    ours = re.compile(
        r"(exec )?(make [a-z-]+|\.venv/bin/python -m pipeline [a-z]+ .*|\.venv/bin/python -m pipeline [a-z]+)"
    )
    strange = {
        (name, job): step["run"]
        for name, job, step in steps()
        if "run" in step and not ours.fullmatch(step["run"].strip())
    }

    assert OTHER_COMMANDS == strange


def test_every_make_target_of_a_workflow_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    run = [step["run"].removeprefix("exec ") for _, _, step in steps() if "run" in step]
    wanted = {command.split()[1] for command in run if command.startswith("make ")}

    assert wanted
    assert set() == {target for target in wanted if not re.search(rf"^{target}:", makefile, re.MULTILINE)}


def test_every_command_of_the_pipeline_is_understood() -> None:
    from pipeline.cli import commands

    parser = commands.parser()
    run = [step["run"] for _, _, step in steps() if "-m pipeline" in step.get("run", "")]

    for command in run:
        words = command.partition("-m pipeline ")[2].replace('"', "")
        values = {"$STRATEGY": "CANARY", "${DESPITE_ALARMS:+--despite-alarms}": "--despite-alarms"}
        values |= {"${FORWARD_ONLY:+--forward-only}": "--forward-only"}
        parser.parse_args([values.get(word, word) for word in words.split()])
    assert run


def test_what_holds_an_environment_gets_the_runners_signals_itself() -> None:
    """A shell hands none on: the command would go on without its step, and its lock would stay behind."""
    holds = re.compile(r"pipeline (deploy|rollback|destroy|image|plan) (?!.*--only-ask)|make regional")
    found = [step["run"] for _, _, step in steps() if holds.search(step.get("run", ""))]

    assert 7 == len(found)
    assert [] == [command for command in found if not command.startswith("exec ")]


def test_every_job_ends_by_itself() -> None:
    endless = [
        (n, j) for n, j, content in jobs() if "uses" not in content and "timeout-minutes" not in content
    ]

    assert [] == endless


def test_every_job_runs_on_the_same_system() -> None:
    assert {"ubuntu-24.04"} == {content["runs-on"] for _, _, content in jobs() if "runs-on" in content}


def test_what_changes_an_environment_is_never_cancelled_and_waits_its_turn() -> None:
    queues = {
        name: content["concurrency"]
        for name, _, content in jobs()
        if "environment" in content and name != "regional.yml"
    }

    assert {
        "release.yml": {
            "group": "${{ inputs.action }}-${{ inputs.environment }}",
            "cancel-in-progress": False,
        },
        "destroy.yml": {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False},
    } == queues


def test_only_a_superseded_ci_run_is_cancelled() -> None:
    cancelling = [name for name in WORKFLOWS if "cancel-in-progress: true" in WORKFLOWS[name].read_text()]

    assert ["ci.yml"] == cancelling


def test_a_rollback_does_not_wait_for_the_release_that_it_is_to_stop() -> None:
    assert "concurrency" not in read("deploy.yml")


def test_the_gate_needs_every_other_job_of_ci_and_runs_whatever_they_did() -> None:
    ci = read("ci.yml")["jobs"]

    assert sorted(ci.keys() - {"gate"}) == sorted(ci["gate"]["needs"])
    assert "always()" == ci["gate"]["if"]
    assert all(word in ci["gate"]["steps"][0]["if"] for word in ("'failure'", "'cancelled'", "'skipped'"))


def test_a_check_that_branch_protection_names_runs_for_every_pull_request() -> None:
    """Where a filter leaves a workflow out, its required check stays pending:
    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks
    """
    for name, job in (("ci.yml", "gate"), ("plan.yml", "plans")):
        pull_request = read(name)["on"]["pull_request"] or {}
        assert {"paths", "paths-ignore", "branches", "branches-ignore"}.isdisjoint(pull_request)
        assert "always()" == read(name)["jobs"][job]["if"]


def test_the_check_of_the_plans_fails_unless_every_plan_that_was_due_succeeded() -> None:
    plans = read("plan.yml")["jobs"]["plans"]

    assert ["environments", "plan"] == plans["needs"]
    assert (
        "needs.environments.result != 'success' "
        "|| (needs.plan.result != 'success' && needs.environments.outputs.names != '[]')"
    ) == plans["steps"][0]["if"]


def test_ci_runs_every_test() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        job["steps"][-1]["run"].split()[1] for job in read("ci.yml")["jobs"].values() if len(job["steps"]) > 1
    }

    assert {"check", "unit", "test-templates", "test-app", "rehearsal"} == targets
    # With Docker: the service's by test-app, all others by rehearsal; those that start programs go with them.
    assert "-m 'not docker and not processes'" in makefile.split("\nunit:")[1].split("\n\n")[0]
    rehearsal = makefile.split("\nrehearsal:")[1].split("\n\n")[0]
    assert "-m 'docker or processes' --ignore tests/app $(GROUP:%=tests/%)" in rehearsal
    assert "pytest tests/app" in makefile.split("\ntest-app:")[1].split("\n\n")[0]


def test_ci_rehearses_each_folder_in_exactly_one_job() -> None:
    """A folder of tests/docker or tests/processes that nobody put into the matrix would be run by no job."""
    rehearsal = read("ci.yml")["jobs"]["rehearsal"]
    asked = [
        ROOT / "tests" / group for line in rehearsal["strategy"]["matrix"]["group"] for group in line.split()
    ]
    tests = [file for kind in ("docker", "processes") for file in (ROOT / "tests" / kind).rglob("test_*.py")]
    jobs = {file: [group for group in asked if file.is_relative_to(group)] for file in tests}

    assert [] == [group for group in asked if not group.is_dir()]
    assert {} == {file: found for file, found in jobs.items() if len(found) != 1}
    assert {"GROUP": "${{ matrix.group }}"} == rehearsal["steps"][-1]["env"]


def test_staging_comes_after_dev_and_prod_after_staging() -> None:
    deploy = read("deploy.yml")["jobs"]
    after = {job: set(deploy[job]["needs"]) & set(PROMOTION) for job in PROMOTION}

    assert {"dev": set(), "staging": {"dev"}, "prod": {"dev", "staging"}} == after
    assert {"build", "attest"} <= set(deploy["dev"]["needs"])


def test_every_environment_gets_the_very_image_that_was_built_once() -> None:
    deploy = read("deploy.yml")["jobs"]

    assert {"${{ needs.build.outputs.image }}"} == {deploy[job]["with"]["image"] for job in PROMOTION}
    assert PROMOTION == [deploy[job]["with"]["environment"] for job in PROMOTION]


def test_only_by_hand_a_release_begins_despite_an_alarm() -> None:
    deploy = read("deploy.yml")["jobs"]
    told = [job for job, content in deploy.items() if "despite-alarms" in content.get("with", {})]

    assert ["by-hand"] == told


def test_an_environment_is_released_by_release_yml_alone_which_names_it_to_github() -> None:
    deploy = read("deploy.yml")["jobs"]
    callers = [job for job in deploy if deploy[job].get("uses") == "./.github/workflows/release.yml"]

    assert [*PROMOTION, "by-hand"] == callers
    assert "${{ inputs.environment }}" == read("release.yml")["jobs"]["release"]["environment"]["name"]
    assert not [
        step for job in deploy.values() for step in job.get("steps", []) if "deploy " in step.get("run", "")
    ]


def test_an_image_is_verified_before_it_is_deployed_and_that_very_one_is() -> None:
    release = read("release.yml")["jobs"]["release"]["steps"]
    names = [step.get("id") for step in release]
    deploy = release[names.index("deploy")]

    assert names.index("verify") < names.index("deploy")
    assert release[names.index("verify")]["if"] == deploy["if"]
    assert "${{ steps.verify.outputs.image }}" == deploy["env"]["IMAGE"]


def test_the_signature_that_a_release_asks_for_is_the_one_that_a_push_makes() -> None:
    deploy = read("deploy.yml")

    assert provenance.WORKFLOW == str(WORKFLOWS["deploy.yml"].relative_to(ROOT))
    assert [provenance.BRANCH.removeprefix("refs/heads/")] == deploy["on"]["push"]["branches"]
    assert "attest" in deploy["jobs"]


def test_the_environments_of_deploy_are_those_with_a_file() -> None:
    """The order of promotion is a decision, so it is written down; plan and drift ask which there are."""
    remote = [name for name in environment.names(ROOT / "infra/environments") if name != "local"]
    deploy = read("deploy.yml")
    choices = deploy["on"]["workflow_dispatch"]["inputs"]["environment"]["options"]
    build = next(step["env"] for step in deploy["jobs"]["build"]["steps"] if step.get("id") == "image")

    assert sorted(remote) == sorted(PROMOTION)
    assert PROMOTION == choices
    assert f"${{{{ inputs.environment || '{PROMOTION[0]}' }}}}" == build["ENVIRONMENT"]
    assert f"'{' '.join(PROMOTION[1:])}'" in build["OTHERS"]


@pytest.mark.parametrize(("workflow", "job"), [("release.yml", "release"), ("destroy.yml", "destroy")])
def test_a_job_lasts_longer_than_any_stack_of_an_environment_is_waited_for(workflow: str, job: str) -> None:
    minutes = read(workflow)["jobs"][job]["timeout-minutes"]
    waited = [environment.load(name, ROOT / "infra/environments").stack_timeout_minutes for name in PROMOTION]

    assert max(waited) < minutes


def test_the_choice_of_strategies_is_the_pipelines() -> None:
    from pipeline.cli.commands import STRATEGIES

    options = read("deploy.yml")["on"]["workflow_dispatch"]["inputs"]["strategy"]["options"]

    assert ["as the environment file says", *STRATEGIES] == options


def test_a_comment_is_written_by_the_code_of_the_base_and_not_of_the_pull_request() -> None:
    comment = read("plan.yml")["jobs"]["comment"]
    checkout = comment["steps"][0]

    assert "${{ github.event.pull_request.base.sha }}" == checkout["with"]["ref"]
    assert "id-token" not in comment["permissions"]


def test_plans_do_not_take_each_others_change_sets_away() -> None:
    """The stack of the repository is everybody's, and a change set that is found there is a leftover."""
    assert 1 == read("plan.yml")["jobs"]["plan"]["strategy"]["max-parallel"]


def test_pull_requests_are_not_run_with_the_rights_of_the_base() -> None:
    assert [] == [name for name in WORKFLOWS if "pull_request_target" in read(name)["on"]]


def test_every_way_to_launch_in_other_regions_begins_with_the_same_ones() -> None:
    regional = read("regional.yml")
    by_hand = regional["on"]["workflow_dispatch"]["inputs"]["regions"]["default"]
    (by_schedule,) = [
        step["env"]["REGIONS"]
        for step in regional["jobs"]["regional"]["steps"]
        if "REGIONS" in step.get("env", {})
    ]
    (by_make,) = re.findall(r"^export REGIONS \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    taskcats = yaml.safe_load((ROOT / ".taskcat.yml").read_text())["project"]["regions"]

    assert taskcats == by_make.split() == by_hand.split()
    assert f"${{{{ inputs.regions || '{by_make}' }}}}" == by_schedule


def test_dependabot_looks_after_actions_python_and_docker() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]

    services = ["/app", "/tests/docker/orders/second_service/app"]
    looked_after = {
        update["package-ecosystem"]: update.get("directories") or [update["directory"]] for update in updates
    }
    assert {
        "github-actions": ["/", *(f"/{Path(name).parent}" for name in ACTIONS)],
        "pip": ["/requirements", *services],
        "docker": services,
    } == looked_after


def test_every_exception_from_zizmor_has_its_reason() -> None:
    lines = (ROOT / ".github/zizmor.yml").read_text(encoding="utf-8").splitlines()
    exceptions = [i for i, line in enumerate(lines) if re.search(r"disable: true|- \w+\.yml", line)]

    assert exceptions
    assert [] == [lines[i] for i in exceptions if not lines[i - 1].strip().startswith("#")]
    assert [] == [name for name in FILES if "zizmor: ignore" in FILES[name].read_text(encoding="utf-8")]
