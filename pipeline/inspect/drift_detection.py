"""Drift detection: CloudFormation compares a stack's resources with its template; the result is read here.

CloudFormation compares only the properties that the template sets, and skips resource types it can't read.
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
    """One property that differs. path: `/Actions/0/Type`; kind: ADD, REMOVE or NOT_EQUAL."""

    path: str
    kind: str
    expected: str
    actual: str


@dataclass(frozen=True)
class ResourceDrift:
    """A resource that differs from its template. status: MODIFIED or DELETED.

    expected, actual: all compared properties, as CloudFormation gives them; None where it gives none.
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
    """drifted: the resources that differ; checked: how many were compared; fault: why not all, else ""."""

    drifted: tuple[ResourceDrift, ...]
    checked: int
    fault: str = ""


def begin(cloudformation: "CloudFormationClient", stack: str, wait: Wait, timeout: float) -> str:
    """Begin a drift detection and give its id. timeout: seconds. Raises WaitTimeoutError.

    CloudFormation refuses a second detection of a stack while the first one runs, as it may on an
    account-wide stack: `begin` waits for the first one to end.
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
    """Wait until a detection ends and read its result. timeout: seconds. Raises WaitTimeoutError."""

    def probe() -> "type_defs.DescribeStackDriftDetectionStatusOutputTypeDef | None":
        now = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return None if now["DetectionStatus"] == "DETECTION_IN_PROGRESS" else now

    ended = wait(probe, what=f"the drift detection of {stack}", timeout=timeout)
    fault = ""
    if ended["DetectionStatus"] != "DETECTION_COMPLETE":
        fault = ended.get("DetectionStatusReason") or ended["DetectionStatus"]
    drifts: list[type_defs.StackResourceDriftTypeDef] = []
    request: type_defs.DescribeStackResourceDriftsInputTypeDef = {"StackName": stack}
    while True:  # botocore has no paginator for DescribeStackResourceDrifts
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
