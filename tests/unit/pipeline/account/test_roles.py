"""Names of roles, subjects of tokens, and the repository that they come from."""

import subprocess
from pathlib import Path

import pytest

from pipeline.account import roles
from pipeline.config.environment import Environment
from pipeline.errors import UsageError


def environment(name: str = "dev", account: str = "123456789012", region: str = "eu-west-1") -> Environment:
    return Environment(name=name, target="aws", account=account, region=region)


def test_a_workflow_finds_its_roles_by_name() -> None:
    assert {
        "deploy-role": "arn:aws:iam::123456789012:role/orders-dev-deploy",
        "plan-role": "arn:aws:iam::123456789012:role/orders-plan",
        "registry-role": "arn:aws:iam::123456789012:role/orders-registry",
        "regional-role": "arn:aws:iam::123456789012:role/orders-regional-deploy",
        "region": "eu-west-1",
        "account": "123456789012",
    } == roles.facts(environment(), "orders")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert f"arn:{partition}:" in roles.facts(environment(region=region), "orders")["plan-role"]


@pytest.mark.parametrize(
    ("caller", "boundary"),
    [
        (
            "arn:aws:sts::123456789012:assumed-role/orders-dev-deploy/slipway-1",
            "arn:aws:iam::123456789012:policy/orders-boundary",
        ),
        ("arn:aws:sts::123456789012:assumed-role/orders-prod-deploy/slipway-1", None),
        ("arn:aws:sts::123456789012:assumed-role/orders-registry/slipway-1", None),
        ("arn:aws:sts::123456789012:assumed-role/Administrator/somebody", None),
        ("arn:aws:iam::123456789012:user/orders-dev-deploy", None),
        ("", None),
    ],
)
def test_only_the_deploy_role_of_the_environment_must_put_the_boundary_on_its_roles(
    caller: str, boundary: str | None
) -> None:
    assert boundary == roles.boundary_of(caller, "orders", "dev")


def test_a_repository_with_numbers_is_written_as_github_writes_it() -> None:
    assert "acme@11/shop@22" == roles.repository("acme/shop", "11", "22").with_ids
    assert "" == roles.repository("acme/shop", "", "").with_ids


@pytest.mark.parametrize(
    ("name", "owner_id", "repository_id"),
    [("shop", "", ""), ("acme/shop:*", "", ""), ("acme/shop", "11", ""), ("acme/shop", "11", "x")],
)
def test_a_repository_that_github_could_not_have_is_refused(
    name: str, owner_id: str, repository_id: str
) -> None:
    with pytest.raises(UsageError):
        roles.repository(name, owner_id, repository_id)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop.git",
        "https://github.com/acme/shop",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com/acme/shop.git",
    ],
)
def test_the_repository_is_that_of_the_remote_origin(tmp_path: Path, url: str) -> None:
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "remote", "add", "origin", url], check=True)

    assert "acme/shop" == roles.of_origin(tmp_path)


def test_a_checkout_without_an_origin_on_github_is_asked_for_its_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)

    with pytest.raises(UsageError) as refused:
        roles.of_origin(tmp_path)

    assert "REPOSITORY=organization/repository" in refused.value.next_step


def test_environments_whose_names_do_not_begin_alike_are_apart() -> None:
    roles.must_be_apart([environment("dev"), environment("develop"), environment("prod")])


def test_names_that_cloudformation_would_cut_are_refused() -> None:
    roles.must_be_short("orders", "sixteen-letters-")

    with pytest.raises(UsageError):
        roles.must_be_short("orders", "sixteen-letters-a")


def test_an_environment_whose_role_would_reach_another_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        roles.must_be_apart([environment("dev-eu"), environment("dev")])

    assert "the role of dev would reach dev-eu too" == refused.value.what


def test_in_another_account_nothing_is_reached() -> None:
    roles.must_be_apart([environment("dev-eu", account="000000000001"), environment("dev")])


@pytest.mark.parametrize("name", ["github", "github-x", "regional", "regional-x"])
def test_an_environment_called_as_what_is_no_environment_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        roles.must_be_apart([environment(name)])
