"""The page that GitHub shows of a job: on failure the cause first, then the next step, then what happened.

Each command appends its own document to $GITHUB_STEP_SUMMARY.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline import masking
from pipeline.aws import errors
from pipeline.checks.smoke import Outcome as CheckOutcome
from pipeline.errors import SlipwayError
from pipeline.github import ledger_chart, markdown, mermaid
from pipeline.github.markdown import code, text
from pipeline.github.mermaid import Bar
from pipeline.graph import runner
from pipeline.graph.runner import Ending
from pipeline.release.deploy import Released
from pipeline.rollout.record import RolloutRecord

LIMIT = 1_000_000
"""Bytes. GitHub takes 1 MiB per step, and shows nothing at all of a longer summary."""
_MARKS = {"failed": "❌ ", "not started": "⏭️ "}


def write(document: str, environment: Mapping[str, str] = os.environ) -> None:
    """Append to the job summary, where there is one."""
    name = environment.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    file = Path(name)
    used = file.stat().st_size if file.is_file() else 0
    masked = masking.masked(document, environment)
    wide = len(masked.encode()) / max(len(masked), 1)
    fitting = markdown.cut(
        masked, int((LIMIT - used) / wide), "_The rest is in the log: the summary is full._"
    )
    with file.open("a", encoding="utf-8") as summary:
        summary.write(fitting.rstrip("\n") + "\n\n")


def of_release(action: str, released: Released, now: float) -> str:
    """The page of a deploy or rollback. now: Unix time in seconds at its end."""
    unix = now - released.started - released.seconds
    lines = _heading(f"{action} {released.environment}", released.failure, _serves(released))
    if released.failure is not None:
        ended = {name: outcome.error for name, outcome in released.nodes.items()}
        for name, error in errors.others(released.failure, ended).items():
            lines += [f"{code(name)} failed too:", "", *failed(error)]
    for rollout in released.rollouts:
        lines += _rollout(rollout)
    if released.checks:
        lines += ["### Smoke tests", "", *_checks(released.checks)]
    nodes = [
        (o.name, o.word, None if o.ending is Ending.NOT_STARTED else o.seconds)
        for o in released.nodes.values()
    ]
    lines += ["### Stacks and image", "", *_nodes("node", nodes)]
    lines += ["### Timeline", "", *_timeline(released, unix)]
    return "\n".join(lines)


def of_notice(what: str, words: str) -> str:
    """The page of a release that left everything as it was. words: the sentence on why."""
    return "\n".join([f"## ⏭️ {text(what)}: nothing released", "", "> [!NOTE]", f"> {text(words)}"])


def of_smoke(environment: str, url: str, checks: Sequence[CheckOutcome], failure: SlipwayError | None) -> str:
    """The page of smoke tests that ran on their own."""
    passed = sum(check.passed for check in checks)
    good = [f"{passed} of {len(checks)} passed at {_link(url)}", ""]
    return "\n".join([*_heading(f"smoke {environment}", failure, good), *_checks(checks)])


def of_nodes(what: str, rows: Iterable[tuple[str, str, float | None]], failure: SlipwayError | None) -> str:
    """The page of a command that has only nodes to show. rows: name, outcome, seconds."""
    return "\n".join([*_heading(what, failure, []), *_nodes("stack", rows)])


def of_stopped(what: str, words: str, rollouts: Iterable[RolloutRecord]) -> str:
    """The page of a rollback that stopped a rollout. words: the sentence on what was stopped."""
    lines = _heading(what, None, [text(words), ""])
    return "\n".join([*lines, *(line for rollout in rollouts for line in _rollout(rollout))])


def of_failure(what: str, failure: SlipwayError) -> str:
    """The page of a command that failed before there was anything else to show."""
    return "\n".join(_heading(what, failure, []))


def failed(failure: SlipwayError) -> list[str]:
    """The cause, the next step and the details, as lines of Markdown."""
    cause = f"**{text(failure.what)}**" + (f": {text(failure.why)}" if failure.why else "")
    lines = ["> [!CAUTION]", f"> {cause}"]
    if failure.where:
        lines += [">", f"> At {code(failure.where)}"]
    if failure.next_step:
        lines += [">", f"> **Next:** {text(failure.next_step)}"]
    lines.append("")
    if failure.details:
        lines += [*markdown.fence(failure.details), ""]
    return lines


def _heading(what: str, failure: SlipwayError | None, good: Sequence[str]) -> list[str]:
    if failure is None:
        return [f"## ✅ {text(what)}", "", *good]
    return [f"## ❌ {text(what)} failed", "", *failed(failure)]


def _serves(released: Released) -> list[str]:
    facts = [f"**URL** {_link(released.url)}"] if released.url else []
    if released.version:
        facts.append(f"**version** {code(released.version)}")
    facts.append(f"**time** {_seconds(released.seconds)}")
    if all(outcome.word == "unchanged" for outcome in released.nodes.values()):
        facts.append("nothing had to be changed")
    lines = [" · ".join(facts), ""]
    return [*lines, f"Image {code(released.image)}", ""] if released.image else lines


def _rollout(record: RolloutRecord) -> list[str]:
    lines = [f"### Rollout of {code(record.version or 'the new version')}", ""]
    rows = [
        (code(entry.stage), text(entry.status), _seconds(ended - entry.at if entry.under_way else None))
        for entry, ended in record.timed()
    ]
    lines += markdown.table(("stage", "status", ">for"), rows)
    if record.ledger_file is not None and record.ledger_file.is_file():
        lines += ["#### What users saw", "", *ledger_chart.draw(record.ledger_file)]
    return lines


def _checks(checks: Sequence[CheckOutcome]) -> list[str]:
    rows = [
        ("✅" if check.passed else "❌", text(check.name), f"{check.seconds:.2f} s", text(check.detail))
        for check in checks
    ]
    return markdown.table(("", "test", ">time", "what it saw"), rows)


def _nodes(head: str, rows: Iterable[tuple[str, str, float | None]]) -> list[str]:
    cells = [(code(name), _MARKS.get(word, "") + text(word), _seconds(taken)) for name, word, taken in rows]
    return markdown.table((head, "outcome", ">time"), cells) if cells else []


def _timeline(released: Released, unix: float) -> list[str]:
    """The graph as it ran. Lighter: the critical path; red: what failed or was rolled back."""
    path = runner.critical_path(released.nodes)
    waited_for = {outcome.name for outcome in path}
    nodes = [
        Bar(
            f"{outcome.name} ({outcome.word})",
            outcome.started + unix,
            outcome.ended + unix,
            "crit" if outcome.ending is Ending.FAILED else "active" if outcome.name in waited_for else "done",
        )
        for outcome in sorted(released.nodes.values(), key=lambda o: o.started)
        if outcome.ending is not Ending.NOT_STARTED
    ]
    sections: dict[str, list[Bar]] = {"stacks and image": nodes}
    for record in released.rollouts:
        sections[f"rollout {record.version or ''}"] = [
            Bar(
                entry.stage,
                entry.at + unix,
                ended + unix,
                "active" if entry.status in ("PENDING", "IN_PROGRESS") else "crit",
            )
            for entry, ended in record.timed()
            if entry.under_way
        ]
    chain = " → ".join(code(outcome.name) for outcome in path)
    length = _seconds(sum(outcome.seconds for outcome in path))
    return [*([f"Critical path: {chain}, {length}", ""] if path else []), *mermaid.gantt(sections)]


def _seconds(taken: float | None) -> str:
    if taken is None:
        return ""
    return f"{taken:.1f} s" if taken < 120 else f"{taken // 60:.0f} min {taken % 60:.0f} s"


def _link(url: str) -> str:
    # The value is a stack's output: only an address becomes a link.
    return (
        f"<{url}>" if url.startswith(("http://", "https://")) and not set(url) & set("<> \n") else code(url)
    )
