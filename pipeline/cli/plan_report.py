"""A plan as people and machines read it. Red is for data that would be lost."""

from rich.console import Console
from rich.markup import escape

from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.interruptions import Interruption
from pipeline.cloudformation.stacks import TEMPLATE_IS_GONE
from pipeline.inspect.plan import NodePlan, Plan

_SIGNS = {"Add": "[green]+[/green]", "Modify": "[yellow]~[/yellow]", "Remove": "[red]-[/red]"}


def show(plan: Plan, console: Console) -> None:
    """One block per node, one line per resource."""
    for node in plan.nodes:
        title = f"[bold]{escape(node.name)}[/bold]" + (f" ({escape(node.stack)})" if node.stack else "")
        _print(console, f"{title}: {escape(node.action)}" + (f" - {escape(node.note)}" if node.note else ""))
        for secret in node.new_secrets:
            _print(console, f"    [green]+[/green] secret {escape(secret)} (a new random value)")
        for change in node.changes:
            _print(console, f"    {_line(node, change)}")
            for interruption in _of(node, change):
                _print(console, f"      [yellow]! interrupts: {escape(str(interruption))}[/yellow]")
    losing = [f"{node.name}/{name}" for node in plan.nodes for name in sorted(node.losing)]
    if losing:
        _print(console, f"[bold red]data would be lost or replaced: {escape(', '.join(losing))}[/bold red]")
    if plan.named:
        _print(console, f"named, so that it may be replaced: {escape(', '.join(sorted(plan.named)))}")
    for stack in plan.left_over:
        _print(console, f"{escape(stack)}: {TEMPLATE_IS_GONE}")
    if plan.changes_nothing:
        _print(console, f"{plan.environment}: nothing to change")
    elif plan.failure is None:
        _print(console, f"{plan.environment}: nothing was touched; `deploy {plan.environment}` would do this")


def as_json(plan: Plan) -> dict[str, object]:
    """A plan for machines."""
    return {
        "environment": plan.environment,
        "changes_nothing": plan.changes_nothing,
        "aws_calls": plan.calls,
        "left_over": list(plan.left_over),
        "named": sorted(plan.named),
        "nodes": [
            {
                "name": node.name,
                "stack": node.stack,
                "action": node.action,
                "note": node.note,
                "new_secrets": list(node.new_secrets),
                "changes": [
                    {
                        "action": change.action,
                        "logical_id": change.logical_id,
                        "type": change.type,
                        "replacement": change.replacement,
                        "paths": list(change.paths),
                        "loses_data": change.logical_id in node.losing,
                        "interrupts": [str(interruption) for interruption in _of(node, change)],
                    }
                    for change in node.changes
                ],
            }
            for node in plan.nodes
        ],
    }


def _of(node: NodePlan, change: ResourceChange) -> list[Interruption]:
    return [one for one in node.interruptions if one.logical_id == change.logical_id]


def _line(node: NodePlan, change: ResourceChange) -> str:
    text = f"{escape(change.logical_id)} ({escape(change.type)})"
    if change.paths:
        text += f": {escape(', '.join(change.paths))}"
    if change.action == "Modify" and change.replacement != "False":
        text += " - replaced" if change.replacement == "True" else " - perhaps replaced"
    if change.logical_id in node.losing:
        text = f"[bold red]{text}: it holds data[/bold red]"
    return f"{_SIGNS.get(change.action, escape(change.action))} {text}"


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
