"""Who may wear which role: a token's issuer, audience, subject and time against account and role."""

import base64
import json

import pytest

from local_aws.access.web_identity import claims_of, must_be_trusted
from local_aws.emulator.refusals import RefusedError

ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::111111111111:oidc-provider/{ISSUER}"
ROLE = "arn:aws:iam::111111111111:role/orders-plan"
PROVIDERS = {PROVIDER: {"ClientIDList": ["sts.amazonaws.com"]}}
SUBJECT = "repo:acme/shop:pull_request"
NOW = 1_800_000_000.0


def role(provider=PROVIDER, **more):
    conditions = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": [SUBJECT]}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": conditions},
    }
    return {"Arn": ROLE, "AssumeRolePolicyDocument": json.dumps({"Statement": [statement]}), **more}


def token(**claims):
    said = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": SUBJECT, **claims}
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    return f"e30.{body}.x"


def asked(words, **more):
    return {"RoleArn": ROLE, "WebIdentityToken": words, **more}


def test_the_right_token_gets_the_role():
    must_be_trusted(asked(token(exp=NOW + 60)), role(), PROVIDERS, NOW)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": "repo:acme/shop:environment:prod"}, "AccessDenied"),
        ({"sub": f"{SUBJECT}s"}, "AccessDenied"),
        ({"sub": SUBJECT.upper()}, "AccessDenied"),
        ({"aud": "https://github.com/acme"}, "InvalidIdentityToken"),
        ({"iss": "https://somebody.example"}, "InvalidIdentityToken"),
        ({"exp": NOW - 1}, "ExpiredTokenException"),
    ],
)
def test_any_other_token_does_not(claims, code):
    with pytest.raises(RefusedError) as refused:
        must_be_trusted(asked(token(**claims)), role(), PROVIDERS, NOW)

    assert code == refused.value.code


def test_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust():
    with pytest.raises(RefusedError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        must_be_trusted(asked(token()), None, PROVIDERS, NOW)


def test_a_role_of_another_provider_is_refused():
    with pytest.raises(RefusedError):
        must_be_trusted(asked(token()), role(provider=f"{PROVIDER}/other"), PROVIDERS, NOW)


@pytest.mark.parametrize(("longest", "asked_for", "taken"), [(3600, 3600, True), (3600, 3601, False)])
def test_a_session_is_no_longer_than_the_role_allows(longest, asked_for, taken):
    request = asked(token(), DurationSeconds=str(asked_for))

    if taken:
        must_be_trusted(request, role(MaxSessionDuration=longest), PROVIDERS, NOW)
        return
    with pytest.raises(RefusedError) as refused:
        must_be_trusted(request, role(MaxSessionDuration=longest), PROVIDERS, NOW)
    assert "ValidationError" == refused.value.code


@pytest.mark.parametrize("words", ["", "a.b", "a.!!.c", "nothing"])
def test_what_is_no_token_is_refused(words):
    with pytest.raises(RefusedError):
        claims_of(words)
