"""What CloudFormation finds when it compares a stack's resources with its template: asked for, and read.

Only what a template sets is compared; a resource type that CloudFormation can't read is not in the answer.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError


class Drifts(Protocol):
    """What drift detection asks of CloudFormation."""

    def detect_stack_drift(self, **request: Any) -> dict[str, Any]: ...

    def describe_stack_drift_detection_status(self, **request: Any) -> dict[str, Any]: ...

    def describe_stack_resource_drifts(self, **request: Any) -> dict[str, Any]: ...


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
    expected: Any = None
    actual: Any = None


@dataclass(frozen=True)
class Detection:
    """drifted: the resources that differ; checked: how many were compared; fault: "" where all could be."""

    drifted: tuple[ResourceDrift, ...]
    checked: int
    fault: str = ""


def begin(cloudformation: Drifts, stack: str, wait: Callable[..., Any], timeout: float) -> str:
    """Ask for a detection, and give its id; it may take minutes. timeout: seconds. Raises WaitTimeoutError.

    CloudFormation refuses a second detection of a stack beside the first, and environments share a stack.
    """

    def probe() -> str | None:
        try:
            return str(cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"])
        except ClientError as error:
            if "already in progress" not in error.response["Error"]["Message"]:
                raise
            return None

    begun: str = wait(probe, what=f"another drift detection of {stack}", timeout=timeout)
    return begun


def result(
    cloudformation: Drifts, stack: str, detection: str, wait: Callable[..., Any], timeout: float
) -> Detection:
    """Wait for a detection's end and read what it found. timeout: seconds. Raises WaitTimeoutError."""

    def probe() -> dict[str, Any] | None:
        now = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return None if now["DetectionStatus"] == "DETECTION_IN_PROGRESS" else now

    ended = wait(probe, what=f"the drift detection of {stack}", timeout=timeout)
    fault = ""
    if ended["DetectionStatus"] != "DETECTION_COMPLETE":
        fault = ended.get("DetectionStatusReason") or ended["DetectionStatus"]
    drifts: list[dict[str, Any]] = []
    request: dict[str, Any] = {"StackName": stack}
    while True:
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


def _read(raw: Mapping[str, Any]) -> ResourceDrift:
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


def _document(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except json.JSONDecodeError:
        return None
