"""Deploy one stack by change set, from whatever state an earlier run left it in."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cloudformation import change_set, resources, stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.events import Event, EventStream, causes, first_cause
from pipeline.cloudformation.stacks import (
    Log,
    StackDescription,
    Wait,
    delete,
    describe,
    log_events,
    settle,
    stuck,
)
from pipeline.errors import StackFailedError
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Deployed:
    """word: created, updated, unchanged, or joined where an earlier run's update was waited for."""

    word: str
    current: StackDescription


def must_be_ours(
    cloudformation: "CloudFormationClient", current: StackDescription | None, template: Template
) -> None:
    """Raises ProtectedError for a stack that only has our name. One that somebody deployed from the template
    by hand has no other resources than the template's: that is taken over.
    """
    if current is None or current.status.in_review or stacks.OURS.items() <= current.tags.items():
        return
    there = resources.read(cloudformation, current.stack_id).types
    strange = sorted(there.keys() - template.resources.keys())
    if strange:
        rename = (
            "if it is yours, tag it managed-by=slipway (aws cloudformation update-stack "
            "--use-previous-template --tags ...), else give the service another name in pyproject.toml; what "
            "it holds, says "
        )
        stacks.must_be_ours(
            current,
            stacks.OURS,
            rename + current.command("describe-stack-resources"),
            f"was not made by Slipway, and holds {', '.join(strange)}, which {template.path} does not have",
        )


def deploy(
    cloudformation: "CloudFormationClient",
    spec: StackSpec,
    log: Log,
    wait: Wait,
    *,
    current: StackDescription | None,
    meanwhile: Callable[[Sequence[Event]], None] = lambda _: None,
    diagnostics: Callable[[Event], list[str]] = lambda _: [],
    review: Callable[[change_set.Changes], None] = lambda _: None,
    timeout: float = 5400,
) -> Deployed:
    """Bring the stack to what is wanted and return its outputs.

    live: what `describe` gave just now. review: called with the change set before it is executed; what it
    raises ends the deploy with nothing touched. meanwhile: called at every look while CloudFormation is at
    work, with all events so far. evidence: gives further lines for the error, called with the first failed
    event as soon as it is seen, for a rollback deletes much. timeout: seconds per wait.

    Raises StackFailedError (first cause, template line), StackStuckError, WaitTimeoutError.
    """
    joined = current is not None and current.status.in_progress
    current = settle(cloudformation, current, log, wait, timeout) if current is not None else None
    if current is not None and current.status.must_be_cleared:
        log(f"{current.status} from an earlier run: clearing it away (nothing ever lived in it)")
        delete(cloudformation, current, spec.template, log, wait, timeout=timeout)
        current = None
    if current is not None and current.status.needs_a_person:
        raise stuck(current)
    outcome = change_set.create(cloudformation, spec, wait, new=current is None)
    if isinstance(outcome, change_set.NoChanges):
        if current is None:
            raise StackFailedError(f"the new stack {spec.name} would hold nothing", why=outcome.reason)
        return Deployed("joined" if joined else "unchanged", current)
    log(f"change set: {change_set.summary(outcome.changes)}")
    try:
        review(outcome)
    except BaseException:
        change_set.discard(cloudformation, outcome)
        raise
    return Deployed(
        "created" if current is None else "updated",
        execute(
            cloudformation,
            outcome,
            spec.template,
            log,
            wait,
            meanwhile=meanwhile,
            diagnostics=diagnostics,
            timeout=timeout,
        ),
    )


def execute(
    cloudformation: "CloudFormationClient",
    changes: change_set.Changes,
    template: Template,
    log: Log,
    wait: Wait,
    *,
    meanwhile: Callable[[Sequence[Event]], None] = lambda _: None,
    diagnostics: Callable[[Event], list[str]] = lambda _: [],
    timeout: float = 5400,
) -> StackDescription:
    """Execute a change set and follow the stack to its end. Raises what `deploy` raises."""
    events = EventStream(cloudformation, changes.stack_id)
    events.skip_past()
    cloudformation.execute_change_set(
        ChangeSetName=changes.arn, StackName=changes.stack_id, ClientRequestToken=f"slipway-{uuid.uuid4()}"
    )
    return _follow(
        cloudformation, changes.stack_id, template, events, log, wait, timeout, meanwhile, diagnostics
    )


def _follow(
    cloudformation: "CloudFormationClient",
    stack_id: str,
    template: Template,
    events: EventStream,
    log: Log,
    wait: Wait,
    timeout: float,
    meanwhile: Callable[[Sequence[Event]], None],
    diagnostics: Callable[[Event], list[str]],
) -> StackDescription:
    name = stack_id.split("/")[1] if "/" in stack_id else stack_id
    details: list[str] = []
    cause: Event | None = None

    def probe() -> StackDescription | None:
        nonlocal cause
        now = describe(cloudformation, stack_id)
        log_events(events, template, log)
        meanwhile(events.seen)
        if cause is None:
            cause = first_cause(events.seen)
            if cause is not None:
                details.extend(diagnostics(cause))
        if now is None:
            raise StackFailedError(
                f"stack {name} was deleted while it was being deployed",
                why=_told(cause, template),
                next_step="find out who deleted it, mend what failed before, and deploy again",
                details=details,
            )
        return None if now.status.in_progress or now.status.in_review else now

    now: StackDescription = wait(probe, what=f"stack {name}", timeout=timeout)
    if now.status.succeeded:
        return now
    where = template.where(cause.logical_id) if cause else template.path
    raise StackFailedError(
        f"stack {now.name} ended in {now.status}",
        why=_told(cause, template) or f"{now.reason} [{where}]",
        next_step="mend the cause and deploy again"
        if not now.status.needs_a_person
        else stuck(now).next_step,
        details=details,
        where=where,
        also=[
            (template.where(event.logical_id), f"{event.logical_id} ({event.type}): {event.reason}")
            for event in causes(events.seen)
            if cause is not None and event.logical_id != cause.logical_id
        ],
    )


def _told(cause: Event | None, template: Template) -> str:
    if cause is None:
        return ""
    return f"{cause.logical_id} ({cause.type}): {cause.reason} [{template.where(cause.logical_id)}]"
