"""A stack as it is: read, waited for, deleted.

CloudFormation is asked through the narrow Protocol below; waiting is passed in.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from pipeline.cloudformation.events import EventStream, does_not_exist, first_cause
from pipeline.cloudformation.status import StackStatus
from pipeline.errors import ProtectedError, StackStuckError
from pipeline.graph.template import Template

OURS = {"managed-by": "slipway"}
"""The tag of every stack that Slipway made or took over."""

Say = Callable[[str], None]
Wait = Callable[..., Any]
"""waiting.wait_until with sleep and clock already in it."""


class Stacks(Protocol):
    """What reading and deleting stacks asks of CloudFormation."""

    def describe_stacks(self, **request: Any) -> dict[str, Any]: ...

    def describe_stack_events(self, **request: Any) -> dict[str, Any]: ...

    def delete_stack(self, **request: Any) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Live:
    """A stack as DescribeStacks shows it."""

    name: str
    stack_id: str
    status: StackStatus
    reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    changed_at: str
    """LastUpdatedTime, or CreationTime before the first update: different after any update by anybody."""

    def command(self, verb: str) -> str:
        """The AWS CLI's command about this stack, for an error to recommend; its id names the region."""
        region = self.stack_id.split(":")[3]
        return f"aws cloudformation {verb} --stack-name {self.name} --region {region}"


def describe(cloudformation: Stacks, name: str) -> Live | None:
    """The stack, by name or id, or None where there is none (a deleted one counts as none)."""
    try:
        answer = cloudformation.describe_stacks(StackName=name)
    except ClientError as error:
        if does_not_exist(error):
            return None
        raise
    stacks = answer["Stacks"]
    return _live(stacks[0]) if stacks and stacks[0]["StackStatus"] != "DELETE_COMPLETE" else None


def tagged(cloudformation: Stacks, tags: Mapping[str, str]) -> list[Live]:
    """Every stack in the region that carries all of `tags`, the newest first; not those that belong to
    another stack, which hands its tags down to them.
    """
    found: list[dict[str, Any]] = []
    request: dict[str, str] = {}
    while True:
        answer = cloudformation.describe_stacks(**request)
        found.extend(answer["Stacks"])
        if not answer.get("NextToken"):
            break
        request = {"NextToken": answer["NextToken"]}
    found.sort(key=lambda raw: raw["CreationTime"], reverse=True)
    own = [raw for raw in found if not raw.get("ParentId")]
    stacks = [_live(raw) for raw in own if raw["StackStatus"] != "DELETE_COMPLETE"]
    return [stack for stack in stacks if tags.items() <= stack.tags.items()]


def settle(
    cloudformation: Stacks,
    live: Live,
    say: Say,
    wait: Wait,
    timeout: float,
    meanwhile: Callable[[Live], None] = lambda _: None,
) -> Live | None:
    """Wait until nothing is in progress on the stack; None where it was being deleted. Attaches to what an
    interrupted run left behind. meanwhile: called at every look.
    """
    if not live.status.in_progress:
        return live
    say(f"{live.status} already, by an earlier run or somebody else: waiting for it to end")
    events = EventStream(cloudformation, live.stack_id)
    events.skip_past()

    def probe() -> str | None:
        now = describe(cloudformation, live.stack_id)
        say_events(events, None, say)
        if now is not None:
            meanwhile(now)
        return None if now is not None and now.status.in_progress else "settled"

    wait(probe, what=f"stack {live.name} ({live.status})", timeout=timeout)
    return describe(cloudformation, live.name)


def delete(
    cloudformation: Stacks,
    live: Live,
    template: Template | None,
    say: Say,
    wait: Wait,
    *,
    timeout: float,
    quietly: bool = False,
) -> None:
    """Delete a stack and wait until it is gone. Raises StackStuckError with the resource that stayed."""
    events = EventStream(cloudformation, live.stack_id)
    events.skip_past()
    cloudformation.delete_stack(StackName=live.stack_id, ClientRequestToken=f"slipway-{uuid.uuid4()}")

    def probe() -> StackStatus | None:
        now = cloudformation.describe_stacks(StackName=live.stack_id)["Stacks"]
        say_events(events, template, (lambda _: None) if quietly else say)
        status = StackStatus(now[0]["StackStatus"]) if now else StackStatus("DELETE_COMPLETE")
        return None if status.in_progress or (status.in_review and live.status.in_review) else status

    try:
        status = wait(probe, what=f"deleting stack {live.name}", timeout=timeout)
    except ClientError as error:
        if does_not_exist(error):
            return
        raise
    if not status.gone:
        cause = first_cause(events.seen)
        raise StackStuckError(
            f"stack {live.name} could not be deleted ({status})",
            why=f"{cause.logical_id} ({cause.type}): {cause.reason}" if cause else live.reason,
            next_step=_delete_by_hand(live),
            where=template.where(cause.logical_id) if cause and template else "",
        )


def must_be_ours(
    live: Live, tags: Mapping[str, str], next_step: str, what: str = "was not made by Slipway"
) -> None:
    """Raises ProtectedError for a stack that lacks any of `tags`, unless there is nothing in it."""
    lacking = [f"{key}={value}" for key, value in tags.items() if live.tags.get(key) != value]
    if lacking and not live.status.in_review:
        raise ProtectedError(
            f"stack {live.name} {what}",
            why=f"it does not carry the tag {', '.join(lacking)}",
            next_step=next_step,
        )


def stuck(live: Live) -> StackStuckError:
    """The error for a state only a person can resolve, with the command that helps."""
    if live.status.name == "UPDATE_ROLLBACK_FAILED":
        help_ = (
            f"mend the cause, then: {live.command('continue-update-rollback')}"
            " (add --resources-to-skip LOGICAL_ID for what can't be mended)"
        )
    elif live.status.name == "UPDATE_FAILED":  # by somebody's --disable-rollback; Slipway never asks for that
        help_ = f"put back what was before: {live.command('rollback-stack')}; then deploy again"
    elif live.status.name == "DELETE_FAILED":
        help_ = _delete_by_hand(live)
    else:  # nothing that helps here is harmless
        help_ = (
            f"see what failed: {live.command('describe-stack-events')}"
            " (to delete the stack would delete what lives in it)"
        )
    return StackStuckError(f"stack {live.name} is {live.status}", why=live.reason, next_step=help_)


def _delete_by_hand(live: Live) -> str:
    return f"remove what holds the resource that stayed, then: {live.command('delete-stack')}"


def say_events(events: EventStream, template: Template | None, say: Say) -> None:
    """Say every event that is new; a failed one with AWS's reason and its line in the template."""
    for event in events.new():
        line = f"{event.status:<20} {event.logical_id} ({event.type})"
        if event.failed and event.reason:
            line += f": {event.reason}" + (f" [{template.where(event.logical_id)}]" if template else "")
        say(line)


def _live(stack: Mapping[str, Any]) -> Live:
    return Live(
        name=stack["StackName"],
        stack_id=stack["StackId"],
        status=StackStatus(stack["StackStatus"]),
        reason=stack.get("StackStatusReason", ""),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", [])},
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in stack.get("Tags", [])},
        changed_at=str(stack.get("LastUpdatedTime") or stack["CreationTime"]),
    )
