"""What IAM refuses about roles and policies, in its words where they are known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.refusals.values import known, mappings, text, texts

_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+", re.IGNORECASE)
_SERVICE = re.compile(r"([a-z0-9.-]+)\.amazonaws\.com(\.cn)?")
_PARTS = {"Sid", "Effect", "Condition"} | {
    f"{no}{part}" for no in ("", "Not") for part in ("Principal", "Action", "Resource")
}
_OPERATORS = re.compile(
    r"(ForAllValues:|ForAnyValue:)?((String|Arn)(Not)?(Equals|Like)|StringNotEqualsIgnoreCase|StringEqualsIgnoreCase|"
    r"(Numeric|Date)((Not)?Equals|LessThan(Equals)?|GreaterThan(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress)(IfExists)?"
    r"|Null",
    re.IGNORECASE,
)


@cache
def service_names() -> frozenset[str]:
    """The first part of `<name>.amazonaws.com`, of each endpoint that botocore knows and of other principals.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
    """
    from botocore.loaders import Loader  # a pipeline that judges no role need not import botocore here

    others = Path(__file__).with_name("service-principals.txt").read_text(encoding="utf-8").split()
    partitions = Loader().load_data("endpoints")["partitions"]
    return frozenset(name for partition in partitions for name in partition["services"]) | {*others}


def role(properties: Mapping[str, Any]) -> Iterator[str]:
    """What IAM refuses about AWS::IAM::Role."""
    yield from trust_policy(properties.get("AssumeRolePolicyDocument"))
    for policy in mappings(properties.get("Policies")):
        yield from identity_policy(policy.get("PolicyDocument"), 10240)


def managed_policy(properties: Mapping[str, Any]) -> Iterator[str]:
    """What IAM refuses about AWS::IAM::ManagedPolicy."""
    yield from identity_policy(properties.get("PolicyDocument"), 6144)


def inline_policy(properties: Mapping[str, Any]) -> Iterator[str]:
    """What IAM refuses about AWS::IAM::Policy."""
    yield from identity_policy(properties.get("PolicyDocument"), 10240)


def trust_policy(document: Any) -> Iterator[str]:
    """What IAM refuses about a role's trust policy."""
    for statement in _statements(document):
        yield from _statement(statement)
        if {"Resource", "NotResource"} & set(statement):
            yield "Has prohibited field Resource"
        if not {"Principal", "NotPrincipal"} & set(statement):
            yield "Missing required field Principal"
        for action in texts(statement.get("Action") or []):
            if not action.lower().startswith("sts:") and action != "*":
                yield "AssumeRole policy may only specify STS AssumeRole actions."
        principal = statement.get("Principal")
        for name in texts(principal.get("Service") or []) if isinstance(principal, dict) else ():
            if not _is_service(name):
                yield f'Invalid principal in policy: "SERVICE":"{name}"'
    yield from _document(document, 4096 if known(document) else None)


def identity_policy(document: Any, most: int) -> Iterator[str]:
    """What IAM refuses about a policy of an identity, of at most so many characters without blanks."""
    for statement in _statements(document):
        yield from _statement(statement)
        if {"Principal", "NotPrincipal"} & set(statement):
            yield "Policy document should not specify a principal."
        if not {"Resource", "NotResource"} & set(statement):
            yield "Policy statement must contain resources."
        for resource in texts(statement.get("Resource") or []):
            if resource != "*" and not resource.startswith("arn:"):
                yield f'Resource {resource} must be in ARN format or "*".'
    yield from _document(document, most)


def _is_service(name: str) -> bool:
    match = _SERVICE.fullmatch(name)
    if match is None:
        return False
    known_names, own = service_names(), match[1]
    # A regional principal such as logs.eu-west-1, and a part of a service such as monitoring.rds.
    parts = own.split(".")
    return own in known_names or (len(parts) > 1 and (parts[0] in known_names or parts[-1] in known_names))


def _statements(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        statement = document.get("Statement")
        yield from mappings(statement if isinstance(statement, list) else [statement])


def _document(document: Any, most: int | None) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    version = text(document.get("Version", "2008-10-17"))
    if version not in (None, "2012-10-17", "2008-10-17"):
        yield f"The policy must contain a valid version string (2012-10-17 or 2008-10-17), not {version}"
    if "Statement" not in document:
        yield "Syntax errors in policy. (Missing required field Statement)"
    sids = [text(one.get("Sid")) for one in _statements(document) if one.get("Sid")]
    if len(set(sids)) < len(sids):
        yield "Statement IDs (SID) in a single policy must be unique."
    if most is not None and known(document) and len(re.sub(r"\s", "", json.dumps(document))) > most:
        yield f"Maximum policy size of {most} bytes exceeded"


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    for part in sorted(set(statement) - _PARTS):
        yield f"Syntax errors in policy. (Unknown field {part})"
    effect = text(statement.get("Effect"))
    if "Effect" not in statement or effect not in (None, "Allow", "Deny"):
        yield f"Invalid effect: {effect}. (Allow or Deny)"
    if ("Action" in statement) == ("NotAction" in statement):
        yield "Policy statement must contain actions."
    sid = text(statement.get("Sid"))
    if sid is not None and not _SID.fullmatch(sid):
        yield "Statement IDs (SID) must be alpha-numeric."
    for action in (*texts(statement.get("Action") or []), *texts(statement.get("NotAction") or [])):
        if not _ACTION.fullmatch(action):
            yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    condition = statement.get("Condition")
    for operator in condition if isinstance(condition, dict) else ():
        if not _OPERATORS.fullmatch(str(operator)):
            yield f"Invalid Condition type : {operator}."
