"""A plan for a reviewer, as the Markdown of a comment."""

from collections.abc import Sequence

from pipeline.cloudformation.change_set import ResourceChange
from pipeline.cloudformation.stacks import TEMPLATE_IS_GONE
from pipeline.github import job_summary, markdown
from pipeline.github.markdown import code, text
from pipeline.inspect.plan import NodePlan, Plan

_SIGNS = {"Add": "🟢", "Modify": "🟡", "Remove": "🔴"}


def document(plan: Plan) -> str:
    """One environment's plan as Markdown."""
    gone = [f"{code(stack)}: {text(TEMPLATE_IS_GONE)}" for stack in plan.left_over]
    if plan.changes_nothing:
        return "\n".join([f"### ✅ {text(plan.environment)}: nothing to change\n", *gone])
    changing = [node for node in plan.nodes if node.action != "unchanged"]
    count = f"{len(changing)} of {len(plan.nodes)} would change"
    lines = [f"### {'❌' if plan.failure else '📝'} {text(plan.environment)}: {count}", ""]
    if plan.failure is not None:
        lines += job_summary.failed(plan.failure)
    if plan.named:
        lines += [f"Named, so that it may be replaced: {', '.join(map(code, sorted(plan.named)))}", ""]
    for node in changing:
        lines += _node(node)
    same = sorted(code(node.name) for node in plan.nodes if node.action == "unchanged")
    if same:
        lines += [f"Unchanged: {', '.join(same)}", ""]
    return "\n".join([*lines, *gone])


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
    for one in node.interruptions:
        if one.logical_id == change.logical_id:
            sign, words = "🟠", f"{words}; **interrupts**: {text(str(one))}"
    cells = [code(change.logical_id), code(change.type), words]
    if change.logical_id in node.losing:
        fate = "it holds data" if change.action == "Modify" else "removed: it holds data"
        cells[2] = f"{words}, {fate}" if words else fate
        return ["⛔", *(f"**{cell}**" for cell in cells)]
    return [sign, *cells]
