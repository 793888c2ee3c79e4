"""Who may come in from outside of AWS, and what they may do there; every rule gives its faults.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.templates.reading import of_type, reference

Template = Mapping[str, Any]

ISSUER = "token.actions.githubusercontent.com"
# What gives a role its powers may be done to roles with the boundary only, or it is no boundary.
GIVES_POWERS = {
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
}
ECS = {"ecs.amazonaws.com", "ecs-tasks.amazonaws.com"}
READS = ("Describe", "Get", "List")
# Of these, and no others, AWS says that they take no resource.
WITHOUT_RESOURCE = {
    "cloudformation:BatchDescribeTypeConfigurations",
    "ecs:DeregisterTaskDefinition",
    "ecs:RegisterTaskDefinition",
}


def tokens_are_believed_exactly(template: Template) -> list[str]:
    """Audience and subject, each equal to what GitHub signs; a pattern would let a neighbour in."""
    faults = []
    for logical_id, role in of_type(template, "AWS::IAM::Role"):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            if "Federated" not in statement["Principal"]:
                continue
            conditions = statement.get("Condition", {})
            if set(conditions) != {"StringEquals"}:
                faults.append(f"{logical_id} compares a token otherwise than by StringEquals")
                continue
            equal = conditions["StringEquals"]
            if equal.get(f"{ISSUER}:aud") != "sts.amazonaws.com":
                faults.append(f"{logical_id} believes tokens that are meant for somebody else")
            subjects = [s["Fn::Sub"] for s in equal.get(f"{ISSUER}:sub", [])]
            if not subjects or not all(_is_exact(subject) for subject in subjects):
                faults.append(f"{logical_id} does not say exactly whose tokens it believes")
    for logical_id, provider in of_type(template, "AWS::IAM::OIDCProvider"):
        if "ThumbprintList" in provider:
            faults.append(f"{logical_id} pins a certificate, which GitHub renews")
        if provider.get("ClientIdList") != ["sts.amazonaws.com"]:
            faults.append(f"{logical_id} takes tokens that are meant for somebody else")
    return faults


def policies_name_every_action(template: Template) -> list[str]:
    faults = []
    for where, statement in _statements(template):
        actions = _actions(statement)
        if statement["Effect"] == "Allow" and any("*" in action for action in actions):
            faults.append(f"{where} allows more than it names")
        for action in actions if statement["Resource"] == "*" and "Condition" not in statement else []:
            reads = action.partition(":")[2].startswith(READS)
            if statement["Effect"] == "Allow" and not reads and action not in WITHOUT_RESOURCE:
                faults.append(f"{where} allows {action} on everything")
    return faults


def policies_fit(template: Template) -> list[str]:
    """A managed policy has 6,144 characters, white space not counted; ten can be attached to a role."""
    faults = []
    for logical_id, policy in of_type(template, "AWS::IAM::ManagedPolicy"):
        # Names are put in for references; half of the room is left for them.
        if len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) > 5000:
            faults.append(f"{logical_id} is too long for one policy")
    for logical_id, role in of_type(template, "AWS::IAM::Role"):
        attached = role.get("ManagedPolicyArns", [])
        if len(attached) > 10:
            faults.append(f"{logical_id} has more than ten policies")
        federated = "Federated" in role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        if federated and not {reference(arn) for arn in attached} <= template["Resources"].keys():
            faults.append(f"{logical_id} has a policy that nobody reads here")
    return faults


def no_power_is_handed_on(template: Template) -> list[str]:
    """Whoever may make roles could make one that may do anything, or hand one to anybody."""
    faults = []
    for where, statement in _statements(template):
        actions, equal = set(_actions(statement)), statement.get("Condition", {}).get("StringEquals", {})
        if statement["Effect"] != "Allow":
            continue
        if actions & GIVES_POWERS and reference(equal.get("iam:PermissionsBoundary")) != "BoundaryArn":
            faults.append(f"{where} gives powers to roles without the boundary")
        if "iam:PassRole" in actions and not set(equal.get("iam:PassedToService", ["anybody"])) <= ECS:
            faults.append(f"{where} hands roles to others than ECS")
        if "iam:CreateServiceLinkedRole" in actions and "iam:AWSServiceName" not in equal:
            faults.append(f"{where} makes roles for any service")
        if actions & {"iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:CreatePolicy"}:
            faults.append(f"{where} can take the boundary away")
    for logical_id, role in of_type(template, "AWS::IAM::Role"):
        name = role.get("RoleName", {}).get("Fn::Sub", "")
        if name.endswith("${EnvironmentName}-deploy") and not any(
            statement["Effect"] == "Deny"
            and _actions(statement) == ["iam:*"]
            and statement["Resource"]["Fn::Sub"].endswith(f":role/{name}")
            for _, statement in _statements(template)
        ):
            faults.append(f"{logical_id} can change itself")
    return faults


def who_may_release_is_no_part_of_a_release(template: Template) -> list[str]:
    lets_in = any(
        "Federated" in statement["Principal"]
        for _, role in of_type(template, "AWS::IAM::Role")
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    )
    released = template.get("Metadata", {}).get("Slipway", {}).get("Release", True)
    return ["a release could change who may release"] if lets_in and released else []


def _is_exact(subject: str) -> bool:
    whose, _, what = subject.removeprefix("repo:").partition(":")
    return subject.startswith("repo:${Repository") and "*" not in subject and bool(whose) and bool(what)


def _statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, policy in of_type(template, "AWS::IAM::ManagedPolicy"):
        if "ManagedPolicyName" in policy:  # the boundary grants nothing
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            yield f"{logical_id}.{statement.get('Sid', '')}", statement


def _actions(statement: Mapping[str, Any]) -> list[str]:
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


RULES = (
    tokens_are_believed_exactly,
    policies_name_every_action,
    policies_fit,
    no_power_is_handed_on,
    who_may_release_is_no_part_of_a_release,
)
