"""Change sets that a stack has already: an earlier run left them, or another run is using them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
"""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pipeline.aws.errors import Tolerated

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

PREFIX = "slipway-"
LEFT_AFTER = timedelta(minutes=15)
"""A run executes or deletes its change set within minutes. A younger change set may be in use:
plans of several environments have change sets on an account-wide stack at once, without a lock.
"""


def clear(cloudformation: "CloudFormationClient", stack_name: str) -> None:
    """Delete Slipway's change sets that are older than LEFT_AFTER by AWS's clock.

    A change set that CloudFormation refuses to delete now stays.
    """
    answer = cloudformation.list_change_sets(StackName=stack_name)
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    for found in answer.get("Summaries", []):
        ours = found["ChangeSetName"].startswith(PREFIX)
        at_work = found.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS"
        if ours and not at_work and now - found["CreationTime"] >= LEFT_AFTER:
            arn, stack_id = found["ChangeSetId"], found["StackId"]
            with Tolerated("InvalidChangeSetStatus", "ChangeSetNotFound"):
                cloudformation.delete_change_set(ChangeSetName=arn, StackName=stack_id)


def others(cloudformation: "CloudFormationClient", stack_name: str, stack_id: str, own: str) -> bool:
    """Whether the stack has a change set besides the one called `own`."""
    found = cloudformation.list_change_sets(StackName=stack_name).get("Summaries", [])
    return any(one["StackId"] == stack_id and one["ChangeSetName"] != own for one in found)
