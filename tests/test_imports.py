"""Imports point down only; printing, exiting and waiting each have one place."""

import ast
import functools
from pathlib import Path

import pytest

PIPELINE = Path(__file__).parents[1] / "pipeline"

LAYERS = (
    ("__main__", "script"),
    ("commands",),
    ("identity_commands",),
    ("image_commands", "github_commands"),
    ("plan_review",),
    ("drift_report", "plan_report", "overview_report", "release_report", "job_summary"),
    ("opening", "overview", "plan", "destroy", "drift", "logs", "report", "rollback", "bootstrap"),
    ("build", "attestation"),
    ("release", "regional"),
    ("stack_node", "image_node", "stopping", "launch", "preview"),
    ("service_stack",),
    ("role_boundary",),
    ("follower",),
    ("gate", "watch"),
    ("smoke_suite", "taskcat"),
    ("setting", "service_checks", "remembered", "probe", "ledger_picture", "rollout_story", "ledger_chart"),
    ("weights", "migration", "rollout", "ledger", "alarms", "revision_evidence"),
    ("alignment",),
    ("graph", "stack", "runner", "smoke", "aws", "secrets", "image", "registry", "lock", "task_evidence"),
    ("github_posts",),
    ("stack_state", "service_deployment", "stack_resources"),
    ("change_set", "identity", "waits"),
    ("stack_events", "validation", "leftovers", "environment", "template", "source"),
    ("markdown", "mermaid", "workflow_commands", "github", "stack_drift"),
    ("aws_errors", "masking", "waiting", "turn", "status", "job_output", "credential_store", "proxies"),
    ("parameter", "template_rules", "project", "yaml_file", "command_line"),
    (
        "errors",
        "taskcat_offline",
    ),
)
"""From the edge down; a module may import only what is further down."""

PRINTERS = {"commands", "github_commands", "identity_commands", "image_commands"}


@functools.cache
def modules() -> dict[str, ast.Module]:
    return {
        file.stem: ast.parse(file.read_text(encoding="utf-8"))
        for file in PIPELINE.glob("*.py")
        if file.stem != "__init__"
    }


def imported(tree: ast.Module) -> set[str]:
    """The names of pipeline's own modules that a module imports, at its top or in a function."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "pipeline":
            rest = node.module.split(".")[1:]
            found.update(rest[:1] or [name.name for name in node.names])
        elif isinstance(node, ast.Import):
            found.update(n.name.split(".")[1] for n in node.names if n.name.startswith("pipeline."))
    return found


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


def test_every_module_has_its_layer() -> None:
    assert sorted(name for names in LAYERS for name in names) == sorted(modules())


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_what_lies_below(name: str) -> None:
    upwards = [i for i in imported(modules()[name]) - {"local"} if layer(i) <= layer(name)]

    assert [] == upwards


def test_only_the_edge_knows_the_local_aws() -> None:
    assert {"commands", "opening"} == {name for name, tree in modules().items() if "local" in imported(tree)}


def calls(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("name", sorted(set(modules()) - {"__main__"}))
def test_only_the_edge_exits(name: str) -> None:
    assert set() == calls(modules()[name]) & {"exit", "sys.exit", "os._exit", "quit"}


@pytest.mark.parametrize("name", sorted(set(modules()) - PRINTERS))
def test_only_commands_print(name: str) -> None:
    assert "print" not in calls(modules()[name])


@pytest.mark.parametrize("name", sorted(modules()))
def test_nobody_calls_sleep(name: str) -> None:
    assert "time.sleep" not in calls(modules()[name])


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_says_what_it_is_and_stays_short(name: str) -> None:
    tree = modules()[name]
    lines = len((PIPELINE / f"{name}.py").read_text(encoding="utf-8").splitlines())

    assert ast.get_docstring(tree)
    assert lines <= 225
