"""What a role may do when a service of AWS wears it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws.emulator import roles
from local_aws.emulator.records import records

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
READ = "secretsmanager:GetSecretValue"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:orders/dev/api-AbCdEf"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}


def policy(resource: str, effect: str = "Allow") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": READ, "Resource": resource}],
    }


@pytest.fixture
def role(registry: Any) -> Iterator[dict[str, Any]]:
    """A role that may read the secrets of orders."""
    known, policies = records("AWS::IAM::Role"), records("AWS::IAM::ManagedPolicy")
    with registry.scope():
        known["execution"] = made = {
            "RoleName": "execution",
            "AssumeRolePolicyDocument": json.dumps(TRUST),
            "InlinePolicies": {"read": policy(SECRET.replace("dev/api-AbCdEf", "*"))},
            "AttachedPolicies": [],
        }
        yield made
        known.pop("execution")
        policies.pop(BOUNDARY, None)


def refusal() -> str:
    return roles.denial(ROLE, "task", READ, SECRET)


def test_a_role_may_do_what_its_policies_allow(role: dict[str, Any]) -> None:
    assert "" == refusal()


def test_what_no_policy_allows_is_refused_in_iams_words(role: dict[str, Any]) -> None:
    role["InlinePolicies"] = {}

    assert (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/execution/task is not authorized to perform: {READ} on "
        f"resource: {SECRET} because no identity-based policy allows the {READ} action"
    ) == refusal()


def test_what_the_boundary_does_not_allow_is_refused_as_that(role: dict[str, Any]) -> None:
    role["PermissionsBoundary"] = BOUNDARY
    document = policy(SECRET.replace("orders/dev/api-AbCdEf", "other/*"))
    records("AWS::IAM::ManagedPolicy")[BOUNDARY] = {
        "DefaultVersionId": "v1",
        "Versions": {"v1": {"Document": json.dumps(document)}},
    }

    assert refusal().endswith(f"because no permissions boundary allows the {READ} action")


def test_a_role_that_is_not_there_may_do_nothing_and_nobody_assumes_it(role: dict[str, Any]) -> None:
    assert "no identity-based policy" in roles.denial(f"{ROLE}-2", "task", READ, SECRET)
    assert not roles.is_assumable(f"{ROLE}-2", "ecs-tasks.amazonaws.com")


def test_only_a_service_that_the_role_trusts_assumes_it(role: dict[str, Any]) -> None:
    assert roles.is_assumable(ROLE, "ecs-tasks.amazonaws.com")
    assert not roles.is_assumable(ROLE, "ecs.amazonaws.com")
