"""Change sets that are on a stack already: an earlier run's leftovers, or somebody else's at work."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pipeline.aws.errors import Tolerated

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

PREFIX = "slipway-"
LEFT_AFTER = timedelta(minutes=15)
"""A change set is made, read and executed or taken away within minutes. Stacks of the account have plans of
several environments on them at once, and no lock: a younger one may be in use.
"""


def clear(cloudformation: "CloudFormationClient", stack_name: str) -> None:
    """Delete what is old enough, by AWS's clock alone; what CloudFormation will not delete yet stays."""
    answer = cloudformation.list_change_sets(StackName=stack_name)
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    for found in answer.get("Summaries", []):
        ours = found["ChangeSetName"].startswith(PREFIX)
        at_work = found.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS"
        if ours and not at_work and now - found["CreationTime"] >= LEFT_AFTER:
            arn, stack_id = found["ChangeSetId"], found["StackId"]
            with Tolerated("InvalidChangeSetStatus"):
                cloudformation.delete_change_set(ChangeSetName=arn, StackName=stack_id)


def others(cloudformation: "CloudFormationClient", stack_name: str, stack_id: str, own: str) -> bool:
    """Whether the stack has a change set besides the one called `own`."""
    found = cloudformation.list_change_sets(StackName=stack_name).get("Summaries", [])
    return any(one["StackId"] == stack_id and one["ChangeSetName"] != own for one in found)
