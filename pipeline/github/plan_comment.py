"""A plan for a reviewer: Markdown for a comment, and an error where data would be lost."""

from collections.abc import Mapping, Sequence

from pipeline.cloudformation.change_set import ResourceChange
from pipeline.errors import DataLossError, SlipwayError
from pipeline.github import job_summary, markdown
from pipeline.github.markdown import code, text
from pipeline.graph.graph import Node, StackNode
from pipeline.inspect.plan import NodePlan, Plan

_SIGNS = {"Add": "🟢", "Modify": "🟡", "Remove": "🔴"}


def failure_of(plan: Plan, nodes: Mapping[str, Node]) -> SlipwayError | None:
    """The error to exit with: a node could not be planned, or data would be lost. None where all is well."""
    if plan.failure is not None:
        return plan.failure
    losing = [(node, name) for node in plan.nodes for name in sorted(node.losing)]
    if not losing:
        return None
    places = [(_where(nodes, node, name), f"{name} holds data and would be lost") for node, name in losing]
    named = ", ".join(f"{node.name}/{name}" for node, name in losing)
    return DataLossError(
        f"{named} in {plan.environment} would be replaced or removed",
        why="the data in a resource does not survive that",
        next_step="change the template so that it stays; or move the data first, and release by hand",
        where=places[0][0],
        also=places[1:],
    )


def document(plan: Plan, failure: SlipwayError | None) -> str:
    """One environment's plan as Markdown."""
    if plan.changes_nothing:
        return f"### ✅ {text(plan.environment)}: nothing to change\n"
    changing = [node for node in plan.nodes if node.action != "unchanged"]
    count = f"{len(changing)} of {len(plan.nodes)} would change"
    lines = [f"### {'❌' if failure else '📝'} {text(plan.environment)}: {count}", ""]
    if failure is not None:
        lines += job_summary.failed(failure)
    for node in changing:
        lines += _node(node)
    same = sorted(code(node.name) for node in plan.nodes if node.action == "unchanged")
    if same:
        lines += [f"Unchanged: {', '.join(same)}", ""]
    return "\n".join(lines)


def _node(node: NodePlan) -> list[str]:
    title = f"{text(node.action)}: {text(node.note)}" if node.note else text(node.action)
    lines = [f"**{code(node.stack or node.name)}** {title}", ""]
    if node.new_secrets:
        lines += [*(f"- 🟢 secret {code(name)}, a new random value" for name in node.new_secrets), ""]
    if not node.changes:
        return lines
    rows = [_row(node, change) for change in node.changes]
    table = markdown.table(("", "resource", "type", "what changes"), rows)
    if all(change.action == "Add" for change in node.changes):
        return [*lines, *markdown.folded(f"{len(rows)} resources", table)]
    return [*lines, *table]


def _row(node: NodePlan, change: ResourceChange) -> Sequence[str]:
    words = ", ".join(code(path) for path in change.paths)
    sign = _SIGNS.get(change.action, text(change.action))
    if change.action == "Modify" and change.replacement != "False":
        sign = "🔁"
        replaced = "replaced" if change.replacement == "True" else "perhaps replaced"
        words = f"{replaced}: {words}" if words else replaced
    cells = [code(change.logical_id), code(change.type), words]
    if change.logical_id in node.losing:
        fate = "it holds data" if change.action == "Modify" else "removed: it holds data"
        cells[2] = f"{words}, {fate}" if words else fate
        return ["⛔", *(f"**{cell}**" for cell in cells)]
    return [sign, *cells]


def _where(nodes: Mapping[str, Node], node: NodePlan, logical_id: str) -> str:
    stack = nodes[node.name]
    return stack.template.where(logical_id) if isinstance(stack, StackNode) else ""
