"""Signing in with a token: the provider, roles with a boundary, and STS's check of the token.

MiniStack gives credentials for any token. Here the account must know the token's provider, and the role's
trust policy must accept the token. The token's signature is not checked, because no provider on this machine
signs tokens.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from local_aws.emulator.registry import Attributes, Properties, RefusedError, Registry
from local_aws.emulator.request import Request, trusts

PROVIDER, ROLE = "AWS::IAM::OIDCProvider", "AWS::IAM::Role"


def register(registry: Registry) -> None:
    """Register the provider, roles with a boundary, and the check before AssumeRoleWithWebIdentity."""
    providers = registry.records(PROVIDER)
    _register_provider(registry, providers)
    _register_boundary(registry)

    def check(request: Request) -> None:
        if request.action == "sts:AssumeRoleWithWebIdentity":
            arn = request.parameters.get("RoleArn", "")
            role = registry.records(ROLE).get(arn.rpartition("/")[2])
            must_be_trusted(request.parameters, role, providers, time.time())

    registry.before_request(check)


def must_be_trusted(
    asked: Mapping[str, str],
    role: Mapping[str, Any] | None,
    providers: Mapping[str, Mapping[str, Any]],
    now: float,
) -> None:
    """Raise RefusedError unless the account knows the token's issuer and the role trusts its subject.

    asked: the request's parameters. role: IAM's record of the role. now: seconds since 1970.
    """
    claims = claims_of(asked.get("WebIdentityToken", ""))
    issuer = str(claims.get("iss", "")).removeprefix("https://").rstrip("/")
    account = asked.get("RoleArn", "").split(":")[4:5]
    arn = f"arn:aws:iam::{''.join(account)}:oidc-provider/{issuer}"
    provider = providers.get(arn)
    if provider is None:
        raise RefusedError(
            "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{issuer}"
        )
    if claims.get("aud") not in provider["ClientIDList"]:
        raise RefusedError("InvalidIdentityToken", "Incorrect token audience")
    if float(claims.get("exp", now)) < now:
        raise RefusedError("ExpiredTokenException", "Token expired")
    keys = {f"{issuer}:{name}": str(claims[name]) for name in ("aud", "sub") if name in claims}
    if role is None or not trusts(role, arn, keys):
        raise RefusedError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    if float(asked.get("DurationSeconds", 3600)) > float(role.get("MaxSessionDuration", 3600)):
        raise RefusedError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JWT. Raises RefusedError when the token is no JWT."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise RefusedError("InvalidIdentityToken", "Couldn't retrieve verification key") from error
    return claims if isinstance(claims, dict) else {}


def _register_provider(registry: Registry, providers: Any) -> None:
    def put(properties: Properties, before: str = "") -> tuple[str, Attributes]:
        host = str(properties["Url"]).removeprefix("https://").rstrip("/")
        arn = f"arn:aws:iam::{registry.checkout.account}:oidc-provider/{host}"
        if arn != before and arn in providers:
            raise ValueError(f"Provider with url https://{host} already exists.")
        providers[arn] = {
            "Url": host,
            "ClientIDList": list(properties.get("ClientIdList", [])),
            "ThumbprintList": list(properties.get("ThumbprintList", [])),
            "CreateDate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "Tags": list(properties.get("Tags", [])),
            "Arn": arn,
        }
        return arn, {"Arn": arn}

    def create(_: str, properties: Properties, __: str) -> tuple[str, Attributes]:
        return put(properties)

    def update(physical_id: str, _: Properties, new: Properties, *__: str) -> tuple[str, Attributes]:
        return put(new, physical_id)

    def delete(physical_id: str, _: Properties) -> None:
        providers.pop(physical_id, None)

    registry.resource_type(PROVIDER, create=create, update=update, delete=delete)


def _register_boundary(registry: Registry) -> None:
    """Keep a role's boundary, which MiniStack forgets. As at AWS, the boundary must exist."""
    roles, policies = registry.records(ROLE), registry.records("AWS::IAM::ManagedPolicy")

    def bound(name: str, properties: Properties, _: Attributes) -> None:
        roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary", "")

    def check(properties: Properties, physical_id: str) -> None:
        boundary = properties.get("PermissionsBoundary", "")
        if boundary and boundary not in policies:
            raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")
        if not physical_id and properties.get("RoleName") in roles:
            raise ValueError(f"Role with name {properties['RoleName']} already exists.")

    registry.extend_resource_type(ROLE, check=check, made=bound)
