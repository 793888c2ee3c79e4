"""What CloudFormation refuses before it creates a change set, in its words; a stack in review has no tags.

Parameters of AWS-specific types must name what exists:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
A stack that failed to be created can only be deleted:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import RefusedError, Registry, Response

STACK = "AWS::CloudFormation::Stack"
# The resource types of AWS-specific parameter types, which are called "<resource type>::Id".
EXISTING = ("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup")
ONLY_DELETED = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
WANTS_CONTINUE = {"UPDATE_ROLLBACK_FAILED"}


def register(registry: Registry) -> None:
    """Check parameter values and the stack's status before a change set, a new stack or an update."""
    known = {f"{name}::Id": registry.records(name) for name in EXISTING}
    engine.before_parameters(lambda parameters, given: refuse_unknown_values(parameters, given, known))
    for operation in ("CreateChangeSet", "UpdateStack"):
        registry.check_operation("cloudformation", operation, partial(refuse_unready_stack, registry))
    tag_no_stack_in_review(registry)


def refuse_unknown_values(
    definitions: Mapping[str, Any], provided: Sequence[Mapping[str, Any]], known: Mapping[str, Any]
) -> None:
    """Raise ValueError when a value names a VPC, subnet or security group that does not exist."""
    for entry in provided:
        name = str(entry.get("Key"))
        kind = str(definitions.get(name, {}).get("Type", ""))
        existing = known.get(kind.removeprefix("List<").removesuffix(">"))
        if existing is None or entry.get("UsePreviousValue"):
            continue
        value = str(entry.get("Value", ""))
        for member in value.split(",") if kind.startswith("List<") else [value]:
            if member.strip() not in existing:
                raise ValueError(
                    f"Parameter validation failed: parameter value {member.strip()} "
                    f"for parameter name {name} does not exist"
                )


def refusal_of(status: str, stack_id: str) -> str | None:
    """CloudFormation's words when a stack with this status cannot be updated, None when it can."""
    busy = status.endswith("IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    if busy or status in ONLY_DELETED | WANTS_CONTINUE:
        return f"Stack:{stack_id} is in {status} state and can not be updated."
    return None


def refuse_unready_stack(registry: Registry, request: Mapping[str, list[str]]) -> None:
    """Raise RefusedError when the request names a stack that cannot be updated."""
    name = request.get("StackName", [""])[0]
    for stack in registry.records(STACK).values():
        named = name in (stack["StackName"], stack["StackId"])
        if named and (words := refusal_of(stack["StackStatus"], stack["StackId"])):
            raise RefusedError("ValidationError", words)


def tag_no_stack_in_review(registry: Registry) -> None:
    """Give a stack the tags of its first change set only when the change set is executed."""
    shipped = registry.shipped_operation("cloudformation", "CreateChangeSet")

    def untagged(request: dict[str, list[str]]) -> Response:
        response = shipped(request)
        for stack in registry.records(STACK).values():
            if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
                stack["Tags"] = []
        return response

    registry.operation("cloudformation", "CreateChangeSet", untagged)
