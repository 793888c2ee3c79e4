"""Whose tokens the roles believe, said out in full, and what the pipeline knows them by."""

import re

import pytest

from pipeline.account import roles as identity
from pipeline.config import environment
from pipeline.graph import template
from tests.unit.templates.reading import INFRA, of_type, read
from tests.unit.templates.rules import people
from tests.unit.templates.variants import chosen, said

VALUES = {
    "Repository": "acme/shop",
    "RepositoryWithIds": "acme@11/shop@22",
    "EnvironmentName": "prod",
    "ServiceName": "orders",
    "MainBranch": "main",
    "BoundaryArn": "arn:aws:iam::123456789012:policy/orders-boundary",
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
}


def filled(value):
    return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES[found[1]], value["Fn::Sub"])


def roles(ids=""):
    """Role name -> the subjects that it believes."""
    found = {}
    for name in ("github-oidc", "github-deploy-role"):
        values = {"RepositoryWithIds": ids}
        for _, role in of_type(chosen(read(name), values), "AWS::IAM::Role"):
            equal = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
            found[filled(role["RoleName"])] = [filled(s) for s in equal[f"{identity.ISSUER}:sub"]]
    return found


def test_each_role_believes_the_subjects_of_one_place_only():
    assert {
        "orders-plan": ["repo:acme/shop:pull_request", "repo:acme/shop:ref:refs/heads/main"],
        "orders-registry": ["repo:acme/shop:ref:refs/heads/main"],
        "orders-prod-deploy": ["repo:acme/shop:environment:prod"],
    } == roles()


def test_subjects_that_carry_numbers_are_believed_as_well():
    assert {
        "orders-plan": ["repo:acme@11/shop@22:pull_request", "repo:acme@11/shop@22:ref:refs/heads/main"],
        "orders-registry": ["repo:acme@11/shop@22:ref:refs/heads/main"],
        "orders-prod-deploy": ["repo:acme@11/shop@22:environment:prod"],
    } == {name: [s for s in subjects if "@" in s] for name, subjects in roles("acme@11/shop@22").items()}


def test_the_roles_are_called_as_the_workflows_look_for_them():
    prod = environment.Environment(name="prod", target="aws", account="123456789012", region="eu-west-1")
    facts = identity.facts(prod, "orders")

    # The role of the launches in other regions is the deploy role of an environment that is called so.
    assert facts.pop("regional-role").endswith(f"role/orders-{identity.REGIONAL}-deploy")
    assert set(roles()) == {facts[name].rpartition("/")[2] for name in facts if name.endswith("-role")}


def test_the_boundary_is_called_as_a_release_asks_for_it():
    boundary = read("github-oidc")["Resources"]["Boundary"]["Properties"]["ManagedPolicyName"]

    caller = "arn:aws:sts::123456789012:assumed-role/orders-prod-deploy/run-1"
    assert identity.boundary_of(caller, "orders", "prod").endswith(f":policy/{filled(boundary)}")


@pytest.mark.parametrize("name", ["github-oidc", "github-deploy-role"])
def test_no_release_deploys_them(name):
    assert name not in {t.name for t in template.load_all(INFRA)}


def test_a_policy_that_is_too_long_is_refused():
    grown = read("github-deploy-role")
    statements = grown["Resources"]["NetworkPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    statements += statements * 3

    assert ["NetworkPolicy is too long for one policy"] == people.policies_fit(grown)


@pytest.mark.parametrize("boundary", ["", "arn:x:iam::1:policy/orders-boundary"])
def test_every_role_that_a_release_makes_wears_the_boundary_that_it_is_given(boundary):
    given = {"PermissionsBoundaryArn": boundary}
    worn = {
        (name, logical_id): said(chosen(read(name), given), role.get("PermissionsBoundary", ""))
        for name in {t.name for t in template.load_all(INFRA)}
        for logical_id, role in of_type(chosen(read(name), given), "AWS::IAM::Role")
    }

    assert {boundary} == set(worn.values())
    assert 4 == len(worn)
