"""Whether a task's execution role may read the task's secrets, by the policies that its template gives it.

AWS refuses only when the first task starts: the deployment then waits until it is given up.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pipeline.refusals.values import Unknown, mappings, text, texts

Resources = Mapping[str, Mapping[str, Any]]
_ATTRIBUTE = re.compile(r"\$\{([A-Za-z0-9]+)\.Arn\}")
# A policy of the same template counts for each of its roles.
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
# AWS's own policy for execution roles allows to pull images and to write logs, and to read no secret.
_WITHOUT_SECRETS = ("AmazonECSTaskExecutionRolePolicy",)


def unreadable(resources: Resources) -> Iterator[tuple[str, str]]:
    """The logical id of a task definition and IAM's words, for each secret that its role may not read.

    Roles of other templates and policies that are unknown are passed over.
    """
    for name, resource in resources.items():
        if resource.get("Type") != "AWS::ECS::TaskDefinition":
            continue
        properties = resource["Properties"]
        role = _role(properties.get("ExecutionRoleArn"), resources)
        statements = _statements(role, resources) if role is not None else None
        if statements is None:
            continue
        for container in mappings(properties.get("ContainerDefinitions")):
            for secret in mappings(container.get("Secrets")):
                arn = _words(secret.get("ValueFrom"))
                if arn is None or not arn.startswith("arn:"):
                    continue
                action = "ssm:GetParameters" if ":ssm:" in arn else "secretsmanager:GetSecretValue"
                if not _allowed(statements, action, arn):
                    words = f"{role} is not authorized to perform: {action} on resource: {arn}"
                    yield name, f"the execution role {words} (secret {text(secret.get('Name'))})"


def _role(given: Any, resources: Resources) -> str | None:
    match = _ATTRIBUTE.fullmatch(given.words) if isinstance(given, Unknown) else None
    return match[1] if match and match[1] in resources else None


def _statements(role: str, resources: Resources) -> list[dict[str, Any]] | None:
    """The statements of a role's policies, None where one of its policies is unknown."""
    properties = resources[role]["Properties"]
    arns = properties.get("ManagedPolicyArns") or []
    for arn in arns if isinstance(arns, list) else [arns]:
        if not (_words(arn) or "").endswith(_WITHOUT_SECRETS):
            return None
    documents = [one.get("PolicyDocument") for one in mappings(properties.get("Policies"))]
    policies = [one["Properties"] for one in resources.values() if one.get("Type") in _POLICIES]
    documents.extend(one.get("PolicyDocument") for one in policies)
    found: list[dict[str, Any]] = []
    for document in documents:
        statement = document.get("Statement") if isinstance(document, dict) else None
        found.extend(mappings(statement if isinstance(statement, list) else [statement]))
    return found


def _allowed(statements: list[dict[str, Any]], action: str, arn: str) -> bool:
    matching = [one for one in statements if _concerns(one, action, arn)]
    denied = any(one.get("Effect") == "Deny" and "Condition" not in one for one in matching)
    return not denied and any(one.get("Effect") == "Allow" for one in matching)


def _concerns(statement: Mapping[str, Any], action: str, arn: str) -> bool:
    if "NotAction" in statement or "NotResource" in statement:
        return True
    actions = [one.lower() for one in texts(statement.get("Action"))]
    resources = statement.get("Resource")
    patterns = map(_words, resources if isinstance(resources, list) else [resources])
    return any(fnmatchcase(action.lower(), one) for one in actions) and any(
        pattern is not None and _matches(arn, pattern) for pattern in patterns
    )


def _matches(arn: str, pattern: str) -> bool:
    """IAM's wildcards: a star is any text and a question mark any letter; nothing else is special."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, arn) is not None


def _words(value: Any) -> str | None:
    return value.words if isinstance(value, Unknown) else text(value)
