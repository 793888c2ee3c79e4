"""Stack policies: an update of what the policy of the stack denies fails, and the stack rolls back.

A policy names logical ids or resource types; a Deny beats an Allow, and what nothing allows is denied:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.records import Record
from local_aws.emulator.registry import RefusedError, Registry

STACK = "AWS::CloudFormation::Stack"
ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete", "Update:*")
ID = "LogicalResourceId/"


def register(registry: Registry) -> None:
    """Check a policy when it is set, and every update of a stack against its policy."""
    stacks = registry.records(STACK)
    registry.check_operation("cloudformation", "SetStackPolicy", partial(refuse_invalid, stacks))
    engine.before_resource(lambda operation: refuse_modification(stacks, operation))
    engine.before_removals(partial(denied_removal, stacks))


def refuse_invalid(stacks: Mapping[str, Record], request: Mapping[str, list[str]]) -> None:
    """Raise RefusedError for a policy that is none, or that names what the stack does not have."""
    given = request.get("StackPolicyBody", [""])[0]
    name = request.get("StackName", [""])[0]
    stack = next((each for each in stacks.values() if name in (each["StackName"], each["StackId"])), None)
    if not given or stack is None:
        return
    try:
        statements = _statements(given)
        valid = all(_is_valid(statement) for statement in statements)
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise RefusedError("ValidationError", "Error validating stack policy: Invalid stack policy")
    there = engine.resources_of(stack["StackName"])
    for statement in statements:
        for resource in _listed(statement.get("Resource", statement.get("NotResource"))):
            logical_id = resource.removeprefix(ID)
            if "*" not in logical_id and logical_id not in there:
                words = f"Error validating stack policy: Unknown logical id '{logical_id}' in statement"
                raise RefusedError("ValidationError", words)


def refuse_modification(stacks: Mapping[str, Record], operation: engine.ResourceOperation) -> None:
    """Raise ValueError(AWS's words) where the stack's policy denies an update of a resource."""
    stack = stacks.get(operation.stack_name)
    if stack is None or operation.kind != "update" or operation.changes_nothing:
        return
    if stack["StackStatus"] != "UPDATE_IN_PROGRESS":
        return  # A rollback asks no policy.
    action, policy = "Update:Replace" if operation.replaces else "Update:Modify", _policy_of(stack)
    if policy and (words := denied_by(policy, action, operation.logical_id, operation.resource_type)):
        raise ValueError(words)


def denied_removal(
    stacks: Mapping[str, Record], stack_name: str, removed: Mapping[str, str]
) -> tuple[str, str] | None:
    """A resource whose deletion the stack's policy denies, with AWS's words; None where it denies none.

    removed: logical id -> type of what the update no longer has.
    """
    policy = _policy_of(stacks.get(stack_name, {}))
    for logical_id, resource_type in removed.items() if policy else ():
        if words := denied_by(policy, "Update:Delete", logical_id, resource_type):
            return logical_id, words
    return None


def denied_by(policy: str, action: str, logical_id: str, resource_type: str) -> str | None:
    """AWS's words where a policy denies an action on a resource, None where the policy allows it."""
    what = f"[{action}] for resource [{ID}{logical_id}]"
    allowed = False
    for number, statement in enumerate(_statements(policy), 1):
        if not _covers(statement, action, logical_id, resource_type):
            continue
        if statement["Effect"] == "Deny":
            return f"Action denied by stack policy: Statement [#{number}] does not allow {what};"
        allowed = True
    return None if allowed else f"Action not allowed by stack policy: no statement allows {what};"


def _policy_of(stack: Record) -> str:
    """The policy of a stack; "" where the stack has none, or an empty one, which allows everything."""
    policy = engine.stack_policy_of(stack)
    return policy if policy and json.loads(policy) else ""


def _covers(statement: Mapping[str, Any], action: str, logical_id: str, resource_type: str) -> bool:
    def matches(key: str, matched: Callable[[str], bool]) -> bool:
        return any(matched(pattern) for pattern in _listed(statement.get(key)))

    def named(pattern: str) -> bool:
        return fnmatchcase(f"{ID}{logical_id}", pattern)

    acts = matches("Action", lambda pattern: fnmatchcase(action, pattern))
    if "NotAction" in statement:
        acts = not matches("NotAction", lambda pattern: fnmatchcase(action, pattern))
    there = not matches("NotResource", named) if "NotResource" in statement else matches("Resource", named)
    return acts and there and _conditions_hold(statement.get("Condition", {}), resource_type)


def _conditions_hold(condition: Mapping[str, Mapping[str, Any]], resource_type: str) -> bool:
    """StringEquals compares, StringLike knows `*`; a stack policy has no other condition."""
    return all(
        any(
            resource_type == wanted or (operator == "StringLike" and fnmatchcase(resource_type, wanted))
            for wanted in _listed(keys.get("ResourceType"))
        )
        for operator, keys in condition.items()
    )


def _is_valid(statement: Mapping[str, Any]) -> bool:
    return (
        statement.get("Effect") in ("Allow", "Deny")
        and statement.get("Principal") == "*"
        and ("Action" in statement) != ("NotAction" in statement)
        and ("Resource" in statement) != ("NotResource" in statement)
        and all(a in ACTIONS for a in _listed(statement.get("Action", statement.get("NotAction"))))
        and all(
            r == "*" or r.startswith(ID)
            for r in _listed(statement.get("Resource", statement.get("NotResource")))
        )
    )


def _statements(policy: str) -> list[dict[str, Any]]:
    statements = json.loads(policy).get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
