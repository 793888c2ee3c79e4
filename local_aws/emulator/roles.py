"""What a role may do when a service of AWS wears it: its trust policy, its policies, its boundary.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator

from local_aws.emulator import internals
from local_aws.emulator.records import records


def trusts_service(document: Any, service: str) -> bool:
    """Whether a trust policy lets a service such as ecs-tasks.amazonaws.com assume the role."""
    policy = json.loads(document) if isinstance(document, str) else document
    statements = policy.get("Statement") or []
    for one in statements if isinstance(statements, list) else [statements]:
        principal = one.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        named = [services] if isinstance(services, str) else services
        if one.get("Effect") == "Allow" and service in named:
            return True
    return False


def is_assumable(role: str, service: str) -> bool:
    """Whether a role of this account, by its ARN, exists and lets the service assume it."""
    record = records("AWS::IAM::Role").get(role.rpartition("/")[2])
    return record is not None and trusts_service(record["AssumeRolePolicyDocument"], service)


def denial(role: str, session: str, action: str, resource: str) -> str:
    """IAM's words when a role, by its ARN, may not do `action` on `resource`, "" when the role may.

    Raises nothing for a role that does not exist: that role may do nothing.
    """
    account, name = role.split(":")[4], role.rpartition("/")[2]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    context = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region="".join(resource.split(":")[3:4]),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    boundary = iam_evaluator._permissions_boundary(internals.get("iam", "_roles"), name, account)
    if iam_evaluator.evaluate(context, policies, *boundary).decision == "Allow":
        return ""
    decision = iam_evaluator.evaluate(context, policies).decision
    words: str = iam_actions.identity_denial_message(action, principal, resource, decision == "Deny")
    limited = decision == "Allow"
    return words.replace("identity-based policy", "permissions boundary") if limited else words
