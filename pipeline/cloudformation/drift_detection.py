"""What CloudFormation finds when it compares a stack's resources with its template: asked for, and read.

Only what a template sets is compared; a resource type that CloudFormation can't read is not in the answer.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient, type_defs


@dataclass(frozen=True)
class Difference:
    """One property. path: `/Actions/0/Type`; kind: ADD, REMOVE or NOT_EQUAL."""

    path: str
    kind: str
    expected: str
    actual: str


@dataclass(frozen=True)
class ResourceDrift:
    """One resource that is not as its template says. status: MODIFIED or DELETED.

    expected, actual: all the compared properties, as CloudFormation gives them.
    """

    logical_id: str
    type: str
    physical_id: str
    status: str
    differences: tuple[Difference, ...] = ()
    expected: object = None
    actual: object = None


@dataclass(frozen=True)
class Detection:
    """drifted: the resources that differ; checked: how many were compared; fault: "" where all could be."""

    drifted: tuple[ResourceDrift, ...]
    checked: int
    fault: str = ""


def begin(cloudformation: "CloudFormationClient", stack: str, wait: Wait, timeout: float) -> str:
    """Ask for a detection, and give its id; it may take minutes. timeout: seconds. Raises WaitTimeoutError.

    CloudFormation refuses a second detection of a stack beside the first, and environments share a stack.
    """

    def probe() -> str | None:
        try:
            return cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        except ClientError as error:
            if "already in progress" not in error.response["Error"]["Message"]:
                raise
            return None

    return wait(probe, what=f"another drift detection of {stack}", timeout=timeout)


def result(
    cloudformation: "CloudFormationClient", stack: str, detection: str, wait: Wait, timeout: float
) -> Detection:
    """Wait for a detection's end and read what it found. timeout: seconds. Raises WaitTimeoutError."""

    def probe() -> "type_defs.DescribeStackDriftDetectionStatusOutputTypeDef | None":
        now = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return None if now["DetectionStatus"] == "DETECTION_IN_PROGRESS" else now

    ended = wait(probe, what=f"the drift detection of {stack}", timeout=timeout)
    fault = ""
    if ended["DetectionStatus"] != "DETECTION_COMPLETE":
        fault = ended.get("DetectionStatusReason") or ended["DetectionStatus"]
    drifts: list[type_defs.StackResourceDriftTypeDef] = []
    request: type_defs.DescribeStackResourceDriftsInputTypeDef = {"StackName": stack}
    while True:  # botocore has no paginator for it
        page = cloudformation.describe_stack_resource_drifts(**request)
        drifts += page["StackResourceDrifts"]
        if not page.get("NextToken"):
            break
        request["NextToken"] = page["NextToken"]
    compared = [
        raw for raw in drifts if raw["StackResourceDriftStatus"] in ("IN_SYNC", "MODIFIED", "DELETED")
    ]
    drifted = [_read(raw) for raw in compared if raw["StackResourceDriftStatus"] != "IN_SYNC"]
    return Detection(tuple(drifted), len(compared), fault)


def _read(raw: "type_defs.StackResourceDriftTypeDef") -> ResourceDrift:
    differences = [
        Difference(
            d["PropertyPath"], d["DifferenceType"], d.get("ExpectedValue", ""), d.get("ActualValue", "")
        )
        for d in raw.get("PropertyDifferences", [])
    ]
    return ResourceDrift(
        raw["LogicalResourceId"],
        raw["ResourceType"],
        raw.get("PhysicalResourceId", ""),
        raw["StackResourceDriftStatus"],
        tuple(differences),
        _document(raw.get("ExpectedProperties")),
        _document(raw.get("ActualProperties")),
    )


def _document(text: str | None) -> object:
    try:
        return json.loads(text or "null")
    except json.JSONDecodeError:
        return None
