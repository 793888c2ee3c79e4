"""A request to the local AWS as IAM sees it: an action, on a resource, by a principal.

MiniStack reads requests and evaluates policies. With AUTH=true MiniStack would do this for all callers and
services; here access/permissions decides for which.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, new_uuid
from ministack.core.router import extract_access_key_id, extract_region

Response = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    """service: e.g. elbv2. parameters: those of the request. resource: an ARN, or * when none is known."""

    service: str
    action: str
    parameters: Mapping[str, Any]
    resource: str
    region: str
    account: str
    access_key: str
    headers: Mapping[str, str]

    @property
    def in_session(self) -> bool:
        """Whether the credentials are temporary credentials of a role."""
        return self.access_key.startswith("ASIA")

    @property
    def principal(self) -> str:
        """The name of the role that sent the request, else root."""
        principal = iam_evaluator.resolve_principal(self.access_key, self.account)
        arn = str(getattr(principal, "arn", ""))
        return arn.split("/")[1] if ":assumed-role/" in arn else "root"

    def refused(self, code: str, message: str) -> Response:
        """A refusal in the form of the service's protocol."""
        answer: Response = iam_actions.access_denied_response(
            self.service,
            self.action,
            "",
            str(new_uuid()),
            error_code=code,
            message=message,
            headers=dict(self.headers),
        )
        return answer

    def denied(self, resource: str) -> Response:
        """AWS's refusal of an action that no policy allows."""
        principal = iam_evaluator.resolve_principal(self.access_key, self.account)
        if isinstance(principal, iam_evaluator.AuthError):
            return self.refused(principal.code, principal.message)
        words = iam_actions.identity_denial_message(self.action, principal.arn, resource, False)  # noqa: FBT003
        return self.refused("AccessDenied", words)


def read(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
) -> Request | None:
    """The request, None when IAM knows no action for it."""
    parameters = {**_form(headers, body), **query}
    action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters)
    if action is None:
        return None
    region, account = extract_region(headers, query), get_account_id()
    resource = iam_actions.extract_resource_arn(
        service, method, path, headers, body, parameters, region, account
    )
    plain = {name: values[0] for name, values in parameters.items() if values}
    return Request(
        service,
        action,
        {**plain, **_document(headers, body)},
        resource,
        region,
        account,
        extract_access_key_id(headers, query) or "",
        headers,
    )


def may(request: Request, resource: str) -> bool:
    """Whether the policies and the boundary of the session's role allow its action on this resource."""
    principal = iam_evaluator.resolve_principal(request.access_key, request.account)
    if isinstance(principal, iam_evaluator.AuthError):
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=request.action,
        resource_arn=resource,
        region=request.region,
        service_context={key.lower(): value for key, value in _context(request).items()},
        principal_keys=principal.keys,
    )
    allowed: bool = iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision == "Allow"
    return allowed


def trusts(role: Mapping[str, Any], provider: str, keys: Mapping[str, str]) -> bool:
    """Whether a role's trust policy accepts a token of this provider, with these condition keys."""
    context = iam_evaluator.EvalContext(
        principal_arn=provider,
        principal_type="WebIdentityUser",
        principal_account=provider.split(":")[4],
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=str(role.get("Arn", "")),
        region="",
        service_context={key.lower(): value for key, value in keys.items()},
    )
    document = role.get("AssumeRolePolicyDocument", "{}")
    return bool(iam_evaluator.evaluate_trust_policy(document, provider, context))


def _context(request: Request) -> dict[str, str]:
    """The service's condition keys."""
    cluster = str(request.parameters.get("cluster", ""))
    if request.service != "ecs" or not cluster:
        return {}
    if not cluster.startswith("arn:"):
        cluster = f"arn:aws:ecs:{request.region}:{request.account}:cluster/{cluster}"
    return {"ecs:cluster": cluster}


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, list[str]]:
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True)


def _document(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if "json" not in headers.get("content-type", ""):
        return {}
    document = json.loads(body or b"{}")
    return document if isinstance(document, dict) else {}
