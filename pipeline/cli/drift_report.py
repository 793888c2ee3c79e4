"""Drift as people and machines read it, and as Markdown for an issue."""

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from pipeline.github import markdown
from pipeline.github.markdown import code, text
from pipeline.inspect.drift import Drift, StackDrift, told
from pipeline.inspect.drift_detection import ResourceDrift


def show(seen: Drift, console: Console) -> None:
    """A line per stack. The error that follows shows the differences."""
    for stack in seen.stacks:
        line = f"[bold]{escape(stack.stack)}[/bold]: {escape(_state(stack))}"
        console.print(line, highlight=False, soft_wrap=True)


def as_json(seen: Drift) -> dict[str, object]:
    """A drift for machines."""
    return {
        "environment": seen.environment,
        "drifted": any(stack.drifted for stack in seen.stacks),
        "stacks": [
            {
                "node": stack.node,
                "stack": stack.stack,
                "checked": stack.checked,
                "note": stack.note,
                "weights_moved_by_ecs": list(stack.weights),
                "pending_until_the_maintenance_window": list(stack.pending),
                "resources": [
                    {
                        "logical_id": resource.logical_id,
                        "type": resource.type,
                        "physical_id": resource.physical_id,
                        "status": resource.status,
                        "differences": [asdict(difference) for difference in resource.differences],
                    }
                    for resource in stack.drifted
                ],
            }
            for stack in seen.stacks
        ],
    }


def document(seen: Drift) -> str:
    """One environment's drift as Markdown."""
    drifted = [stack for stack in seen.stacks if stack.drifted]
    if seen.failure is None:
        title = f"### ✅ {text(seen.environment)}: everything is as the templates say"
    elif drifted:
        title = f"### ❌ {text(seen.environment)}: {text(seen.failure.what)}"
    else:
        title = f"### ❌ {text(seen.environment)} could not be compared wholly"
    lines = [title, ""]
    for stack in drifted:
        rows = [row for resource in stack.drifted for row in _rows(resource)]
        table = markdown.table(("resource", "type", "property", "it is", "it should be"), rows)
        lines += [f"**{code(stack.stack)}**", "", *table]
    lines += [*(f"- {code(stack.stack)}: {text(_state(stack))}" for stack in seen.stacks), ""]
    if seen.failure is not None:
        lines += [f"**Next:** {text(seen.failure.next_step)}", ""]
    return "\n".join(lines)


def _rows(resource: ResourceDrift) -> list[tuple[str, ...]]:
    names = code(resource.logical_id), code(resource.type)
    if not resource.differences:
        return [(*names, "", told(resource), "")]
    rows: list[tuple[str, ...]] = []
    for d in resource.differences:
        actual = "gone" if d.kind == "REMOVE" else code(d.actual)
        expected = "not there" if d.kind == "ADD" else code(d.expected)
        rows.append((*names, code(d.path), actual, expected))
    return rows


def _state(stack: StackDrift) -> str:
    words = stack.note or f"{stack.checked} resources compared, {len(stack.drifted)} differ"
    if stack.weights:
        words += f"; ECS has moved the weights of {', '.join(stack.weights)}, as it does at every release"
    if stack.pending:
        words += f"; {', '.join(stack.pending)} will be as the template says after the maintenance window"
    return words
