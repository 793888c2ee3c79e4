"""What CloudFormation's early validation found in a change set, before anybody could execute it.

DescribeChangeSet names only the check that failed. DescribeEvents names the resource, the property and the
reason: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import StackFailedError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import OperationEventTypeDef

_SAYS_NO_MORE = ("DescribeEvents", "EarlyValidation")
"""A status reason with one of these words does not tell the cause; DescribeEvents does."""


def failure(
    cloudformation: "CloudFormationClient",
    stack_name: str,
    arn: str,
    reason: str,
    where: Callable[[str], str],
) -> StackFailedError:
    """The error for a change set that CloudFormation could not make: the first cause and its template line.

    arn: of the change set. reason: its StatusReason. where: logical id -> file and line. Raises the error
    where DescribeEvents is refused: the caller must then keep the change set, for somebody who may read it.
    """
    what = f"CloudFormation could not make a change set for {stack_name}"
    next_step = "mend what AWS names and run the command again"
    try:
        found = _found(cloudformation, arn) if any(word in reason for word in _SAYS_NO_MORE) else []
    except (BotoCoreError, ClientError) as error:
        command = f"aws cloudformation describe-events --change-set-name {arn} --filters FailedEvents=true"
        command += f" --region {arn.split(':')[3]}"
        why_not = [f"(what CloudFormation found is not readable: {error})"]
        raise StackFailedError(
            what, why=reason, next_step=f"see what CloudFormation found: {command}", details=why_not
        ) from error
    told = [(where(event.get("LogicalResourceId", "")), _told(event)) for event in found]
    if not told:
        return StackFailedError(what, why=reason, next_step=next_step)
    place, words = told[0]
    why = f"{words} [{place}]" if place else words
    return StackFailedError(what, why=why, next_step=next_step, details=[reason], where=place, also=told[1:])


def _found(cloudformation: "CloudFormationClient", arn: str) -> "list[OperationEventTypeDef]":
    """The events that failed, in order of time. Warnings are left out."""
    pages = cloudformation.get_paginator("describe_events")
    failed = pages.paginate(ChangeSetName=arn, Filters={"FailedEvents": True})
    blocking = [
        event
        for page in failed
        for event in page.get("OperationEvents", [])
        if "WARN" not in (event.get("ValidationFailureMode"), event.get("HookFailureMode")) and _reason(event)
    ]
    return sorted(blocking, key=lambda event: str(event.get("Timestamp", "")))


def _reason(event: "OperationEventTypeDef") -> str:
    return event.get("ValidationStatusReason") or event.get("HookStatusReason") or ""


def _told(event: "OperationEventTypeDef") -> str:
    logical_id = event.get("LogicalResourceId")
    of = f"{logical_id} ({event.get('ResourceType', '')}): " if logical_id else ""
    path = f" (at {event['ValidationPath']})" if event.get("ValidationPath") else ""
    return f"{of}{_reason(event)}{path}"
