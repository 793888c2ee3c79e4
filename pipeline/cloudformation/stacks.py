"""A stack as it is: read, waited for, deleted. Waiting is passed in."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.cloudformation.events import EventStream, does_not_exist, first_cause
from pipeline.cloudformation.status import StackStatus
from pipeline.errors import ProtectedError, StackStuckError
from pipeline.graph.template import Template
from pipeline.waiting import Wait as Wait

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

OURS = {"managed-by": "slipway"}
"""The tag of every stack that Slipway made or took over."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class StackDescription:
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


def describe(cloudformation: "CloudFormationClient", name: str) -> StackDescription | None:
    """The stack, by name or id, or None where there is none (a deleted one counts as none)."""
    try:
        answer = cloudformation.describe_stacks(StackName=name)
    except ClientError as error:
        if does_not_exist(error):
            return None
        raise
    stacks = answer["Stacks"]
    return _current(stacks[0]) if stacks and stacks[0]["StackStatus"] != "DELETE_COMPLETE" else None


def tagged(cloudformation: "CloudFormationClient", tags: Mapping[str, str]) -> list[StackDescription]:
    """Every stack in the region that carries all of `tags`, the newest first; not those that belong to
    another stack, which hands its tags down to them.
    """
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = [raw for page in pages for raw in page["Stacks"]]
    found.sort(key=lambda raw: raw["CreationTime"], reverse=True)
    own = [raw for raw in found if not raw.get("ParentId")]
    stacks = [_current(raw) for raw in own if raw["StackStatus"] != "DELETE_COMPLETE"]
    return [stack for stack in stacks if tags.items() <= stack.tags.items()]


def settle(
    cloudformation: "CloudFormationClient",
    current: StackDescription,
    log: Log,
    wait: Wait,
    timeout: float,
    meanwhile: Callable[[StackDescription], None] = lambda _: None,
) -> StackDescription | None:
    """Wait until nothing is in progress on the stack; None where it was being deleted. Attaches to what an
    interrupted run left behind. meanwhile: called at every look.
    """
    if not current.status.in_progress:
        return current
    log(f"{current.status} already, by an earlier run or somebody else: waiting for it to end")
    events = EventStream(cloudformation, current.stack_id)
    events.skip_past()

    def probe() -> str | None:
        now = describe(cloudformation, current.stack_id)
        log_events(events, None, log)
        if now is not None:
            meanwhile(now)
        return None if now is not None and now.status.in_progress else "settled"

    wait(probe, what=f"stack {current.name} ({current.status})", timeout=timeout)
    return describe(cloudformation, current.name)


def delete(
    cloudformation: "CloudFormationClient",
    current: StackDescription,
    template: Template | None,
    log: Log,
    wait: Wait,
    *,
    timeout: float,
    quietly: bool = False,
) -> None:
    """Delete a stack and wait until it is gone. Raises StackStuckError with the resource that stayed."""
    events = EventStream(cloudformation, current.stack_id)
    events.skip_past()
    cloudformation.delete_stack(StackName=current.stack_id, ClientRequestToken=f"slipway-{uuid.uuid4()}")

    def probe() -> StackStatus | None:
        now = cloudformation.describe_stacks(StackName=current.stack_id)["Stacks"]
        log_events(events, template, (lambda _: None) if quietly else log)
        status = StackStatus(now[0]["StackStatus"]) if now else StackStatus("DELETE_COMPLETE")
        return None if status.in_progress or (status.in_review and current.status.in_review) else status

    try:
        status = wait(probe, what=f"deleting stack {current.name}", timeout=timeout)
    except ClientError as error:
        if does_not_exist(error):
            return
        raise
    if not status.gone:
        cause = first_cause(events.seen)
        raise StackStuckError(
            f"stack {current.name} could not be deleted ({status})",
            why=f"{cause.logical_id} ({cause.type}): {cause.reason}" if cause else current.reason,
            next_step=_delete_by_hand(current),
            where=template.where(cause.logical_id) if cause and template else "",
        )


def must_be_ours(
    current: StackDescription, tags: Mapping[str, str], next_step: str, what: str = "was not made by Slipway"
) -> None:
    """Raises ProtectedError for a stack that lacks any of `tags`, unless there is nothing in it."""
    lacking = [f"{key}={value}" for key, value in tags.items() if current.tags.get(key) != value]
    if lacking and not current.status.in_review:
        raise ProtectedError(
            f"stack {current.name} {what}",
            why=f"it does not carry the tag {', '.join(lacking)}",
            next_step=next_step,
        )


def stuck(current: StackDescription) -> StackStuckError:
    """The error for a state only a person can resolve, with the command that helps."""
    if current.status.name == "UPDATE_ROLLBACK_FAILED":
        help_ = (
            f"mend the cause, then: {current.command('continue-update-rollback')}"
            " (add --resources-to-skip LOGICAL_ID for what can't be mended)"
        )
    elif (
        current.status.name == "UPDATE_FAILED"
    ):  # by somebody's --disable-rollback; Slipway never asks for that
        help_ = f"put back what was before: {current.command('rollback-stack')}; then deploy again"
    elif current.status.name == "DELETE_FAILED":
        help_ = _delete_by_hand(current)
    else:  # nothing that helps here is harmless
        help_ = (
            f"see what failed: {current.command('describe-stack-events')}"
            " (to delete the stack would delete what lives in it)"
        )
    return StackStuckError(f"stack {current.name} is {current.status}", why=current.reason, next_step=help_)


def _delete_by_hand(current: StackDescription) -> str:
    return f"remove what holds the resource that stayed, then: {current.command('delete-stack')}"


def log_events(events: EventStream, template: Template | None, log: Log) -> None:
    """Say every event that is new; a failed one with AWS's reason and its line in the template."""
    for event in events.new():
        line = f"{event.status:<20} {event.logical_id} ({event.type})"
        if event.failed and event.reason:
            line += f": {event.reason}" + (f" [{template.where(event.logical_id)}]" if template else "")
        log(line)


def _current(stack: "StackTypeDef") -> StackDescription:
    return StackDescription(
        name=stack["StackName"],
        stack_id=stack["StackId"],
        status=StackStatus(stack["StackStatus"]),
        reason=stack.get("StackStatusReason", ""),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", [])},
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in stack.get("Tags", [])},
        changed_at=str(stack.get("LastUpdatedTime") or stack["CreationTime"]),
    )
