"""What a role needs, from the code and what was recorded of a rehearsal; and what its policies grant.

A recording is two things. `calls`: role -> the actions that the pipeline asked for in its name. `resources`:
role -> resource type -> what CloudFormation did to resources of that type in its name. What CloudFormation
needs for that, AWS says in the registry schema of each type (handlers.*.permissions); cfn-lint brings them.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import ast
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

from tests.support.modules import reached_from, trees
from tests.unit.templates.reading import of_type, read, reference

SERVICE = "orders"
ENVIRONMENT = "second"
ROLES = {
    f"{SERVICE}-{ENVIRONMENT}-deploy": "deploy",
    f"{SERVICE}-plan": "plan",
    f"{SERVICE}-registry": "registry",
}
TEMPLATES = {"deploy": "github-deploy-role", "plan": "github-oidc", "registry": "github-oidc"}
COMMANDS = {
    "deploy": ("release.deploy", "release.rollback", "release.destroy", "release.rotation", "inspect.status"),
    "plan": ("inspect.plan", "inspect.drift"),
    "registry": ("release.image_only",),
}
"""The modules whose commands a role runs."""
LOOKS_FOR_DRIFT = "cloudformation:DetectStackDrift"
# What AWS asks for besides, of whoever asks for that, and says in prose only:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html
# (not there, but in AWS's own ElasticLoadBalancingFullAccess since 2024: GetSecurityGroupsForVpc)
BESIDES = {
    LOOKS_FOR_DRIFT: (
        "cloudformation:BatchDescribeTypeConfigurations",
        "cloudformation:DetectStackResourceDrift",
    ),
    "elasticloadbalancing:CreateLoadBalancer": (
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:GetSecurityGroupsForVpc",
        "iam:CreateServiceLinkedRole",
    ),
    "elasticloadbalancing:CreateTargetGroup": ("ec2:DescribeInternetGateways", "ec2:DescribeVpcs"),
}

Recording = Mapping[str, Any]


def recording(file: Path) -> dict[str, Any]:
    """What the local AWS took down (SLIPWAY_LOCAL_RECORD), without names that differ every time."""
    calls: dict[str, set[str]] = {role: set() for role in ROLES.values()}
    resources: dict[str, dict[str, set[str]]] = {role: {} for role in ROLES.values()}
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "action" in entry and entry["by"] in ROLES:
            calls[ROLES[entry["by"]]].add(entry["action"])
        elif "stack" in entry and (role := _role_of(entry["stack"])):
            resources[role].setdefault(entry["type"], set()).add(entry["operation"])
    return {
        "calls": {role: sorted(actions) for role, actions in calls.items()},
        "resources": {
            role: {kind: sorted(done) for kind, done in sorted(kinds.items())}
            for role, kinds in resources.items()
        },
    }


def needed(recorded: Recording, role: str) -> dict[str, str]:
    """Each action that the role needs, and for what: the pipeline, or a resource type's handler.

    Whatever a release makes, a later one may change, and any may take back: of a type that the role made, it
    needs all handlers, also those for which the rehearsal had no occasion.
    """
    found = {action: f"{module.replace('.', '/')}.py" for action, module in called(role).items()}
    found |= dict.fromkeys(recorded["calls"][role], "the pipeline")
    operations = dict.fromkeys(recorded["resources"][role], ("create", "read", "update", "delete"))
    if LOOKS_FOR_DRIFT in found:
        kinds = {kind for of_role in recorded["resources"].values() for kind in of_role}
        operations = {kind: operations.get(kind, ("read",)) for kind in kinds}
    for kind, wanted in sorted(operations.items()):
        for operation in wanted:
            for action in handler_permissions(kind, operation):
                found.setdefault(action, f"{kind}, {operation}")
    for action in BESIDES.keys() & found.keys():
        found |= dict.fromkeys(BESIDES[action], action)
    return found


@functools.cache
def called(role: str) -> dict[str, str]:
    """Each action that the role's commands may ask of CloudFormation -> the module that does; a rehearsal in
    which nothing goes wrong does not come to all of them.
    """
    model = botocore.session.get_session().get_service_model("cloudformation")
    actions = {xform_name(name): f"cloudformation:{name}" for name in model.operation_names}
    reached = frozenset().union(*(reached_from(f"pipeline.{module}") for module in COMMANDS[role]))
    return {
        actions[operation]: module
        for module in sorted(reached)
        for node in ast.walk(trees()[module])
        if (operation := _operation(node)) in actions
    }


def _operation(node: ast.AST) -> str:
    """The method that is called, or that a paginator calls; "" where the node is neither."""
    match node:
        case ast.Call(func=ast.Attribute(attr="get_paginator"), args=[ast.Constant(value=str(operation))]):
            return operation
        case ast.Call(func=ast.Attribute(attr=method)):
            return method
    return ""


@functools.cache
def handler_permissions(kind: str, operation: str) -> tuple[str, ...]:
    """What AWS says that CloudFormation needs to create, read, update or delete a resource of this type."""
    return tuple(_schema(kind)["handlers"].get(operation, {}).get("permissions", ()))


def tagging(kind: str) -> dict[str, bool]:
    """Whether a resource type takes tags, and if so, whether it is made with them; as AWS says it."""
    said = _schema(kind)["tagging"]
    words = ("taggable", "tagOnCreate") if said["taggable"] else ("taggable",)
    return {word: said[word] for word in words}


def _schema(kind: str) -> Mapping[str, Any]:
    """The registry's schema of a resource type. Imported here, for cfn-lint takes a second to import."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return schema


def granted(role: str) -> set[str]:
    """Every action that the role's policies allow."""
    template = read(TEMPLATES[role])
    ((_, wearer),) = [
        (name, properties)
        for name, properties in of_type(template, "AWS::IAM::Role")
        if properties["RoleName"]["Fn::Sub"].endswith(f"-{role}")
    ]
    policies = [template["Resources"][reference(arn)] for arn in wearer["ManagedPolicyArns"]]
    statements = [s for policy in policies for s in policy["Properties"]["PolicyDocument"]["Statement"]]
    return {action for s in statements if s["Effect"] == "Allow" for action in _listed(s["Action"])}


def _listed(value: str | list[str]) -> Iterable[str]:
    return [value] if isinstance(value, str) else value


def _role_of(stack: str) -> str | None:
    if stack == f"{SERVICE}-ecr":
        return "registry"
    return "deploy" if stack.startswith(f"{SERVICE}-{ENVIRONMENT}-") else None
