"""A second, empty account: bootstrap, a release from scratch and everything after it, each in its own role.

Who calls here is a role of GitHub's and nobody else, and the local AWS holds it to its policies. What was
asked for is taken down and compared with recorded-calls.json, by which test_policies.py judges the policies.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.clone import Clone, Ran, clone_to
from tests.support.repository import ROOT
from tests.unit.identity.needs import ENVIRONMENT, SERVICE, recording

ACCOUNT = "111111111111"
REPOSITORY, WITH_IDS = "acme/shop", "acme@1234567/shop@987654321"
ISSUER = "https://token.actions.githubusercontent.com"
MAIN, PULL_REQUEST = f"repo:{REPOSITORY}:ref:refs/heads/main", f"repo:{REPOSITORY}:pull_request"
IN_ENVIRONMENT = f"repo:{REPOSITORY}:environment:{ENVIRONMENT}"
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
RECORDED = ROOT / "tests/unit/identity/recorded-calls.json"


class Account:
    """A checkout with a local AWS of its own, which is another account."""

    def __init__(self, clone: Clone, endpoint: str) -> None:
        self.clone = clone
        self.endpoint = endpoint

    def client(self, service: str) -> Any:
        """A client that may do everything."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def session(self, role: str, subject: str, audience: str = "sts.amazonaws.com") -> dict[str, str]:
        """The credentials that a job with this subject gets, as environment variables."""
        sts = boto3.client(
            "sts",
            endpoint_url=self.endpoint,
            region_name="eu-west-1",
            config=Config(signature_version=UNSIGNED),
        )
        got = sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{SERVICE}-{role}",
            RoleSessionName="slipway-1",
            WebIdentityToken=token(sub=subject, aud=audience, iss=ISSUER),
        )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": got["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": got["SecretAccessKey"],
            "AWS_SESSION_TOKEN": got["SessionToken"],
        }

    def run(self, credentials: dict[str, str], *words: str) -> Ran:
        return self.clone.pipeline(*words, AWS_ENDPOINT_URL=self.endpoint, **credentials)

    def registry(self, *words: str) -> Ran:
        return self.run(self.session("registry", MAIN), *words)

    def plan(self, *words: str) -> Ran:
        return self.run(self.session("plan", PULL_REQUEST), *words)

    def deploy(self, *words: str) -> Ran:
        return self.run(self.session(f"{ENVIRONMENT}-deploy", IN_ENVIRONMENT), *words)

    def image(self) -> str:
        """Build app/ as it is, and push it; its address by digest."""
        ran = self.registry("image", ENVIRONMENT, "--json")
        assert 0 == ran.exit_code
        document = ran.output[ran.output.index("{\n") : ran.output.rindex("}") + 1]
        return str(json.loads(document)["image"])

    def edit_the_service(self) -> None:
        with (self.clone.path / "app/orders/api.py").open("a") as source:
            source.write("# Another version.\n")


def token(**claims: Any) -> str:
    """A token as GitHub makes them, but that nobody signed it."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "x"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record") / "calls.jsonl"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, recorded: Path) -> Iterator[Account]:
    clone = clone_to(tmp_path_factory.mktemp("second"))
    local = (clone.path / "infra/environments/local.yaml").read_text()
    (clone.path / f"infra/environments/{ENVIRONMENT}.yaml").write_text(
        local.replace("target: local", "target: aws")
        .replace('"000000000000"', f'"{ACCOUNT}"')
        .replace("TaskCount: 2", "TaskCount: 1")
    )
    up = clone.pipeline("local", "up", SLIPWAY_LOCAL_ACCOUNT=ACCOUNT, SLIPWAY_LOCAL_RECORD=str(recorded))
    assert 0 == up.exit_code
    try:
        yield Account(clone, up.url)
    finally:
        clone.pipeline("local", "down")


def test_nobody_signs_in_before_bootstrap(account: Account) -> None:
    with pytest.raises(ClientError, match="No OpenIDConnect provider found in your account"):
        account.session("plan", PULL_REQUEST)


def test_bootstrap_makes_the_account_ready_and_a_second_time_changes_nothing(account: Account) -> None:
    ids = ("--owner-id", "1234567", "--repository-id", "987654321")
    words = ("bootstrap", ENVIRONMENT, "--repository", REPOSITORY, *ids)

    first, second = account.run(ADMINISTRATOR, *words), account.run(ADMINISTRATOR, *words)

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert 2 == first.output.count(": created")
    assert 2 == second.output.count(": unchanged")
    assert f"https://github.com/{REPOSITORY}/settings/environments" in first.output
    assert (3, 0) == (first.output.count(": made"), first.output.count(": there already"))
    assert (0, 3) == (second.output.count(": made"), second.output.count(": there already"))
    assert "the account is on the paid plan" in first.output
    assert "VPCs: 1 of 5 taken, 1 needed" in first.output


@pytest.mark.parametrize(
    ("role", "subject", "audience"),
    [
        (f"{ENVIRONMENT}-deploy", MAIN, "sts.amazonaws.com"),
        (f"{ENVIRONMENT}-deploy", PULL_REQUEST, "sts.amazonaws.com"),
        (f"{ENVIRONMENT}-deploy", f"repo:{REPOSITORY}:environment:prod", "sts.amazonaws.com"),
        (f"{ENVIRONMENT}-deploy", f"repo:mallory/shop:environment:{ENVIRONMENT}", "sts.amazonaws.com"),
        (f"{ENVIRONMENT}-deploy", IN_ENVIRONMENT, "https://github.com/acme"),
        ("registry", PULL_REQUEST, "sts.amazonaws.com"),
        ("registry", f"{MAIN}-2", "sts.amazonaws.com"),
        ("plan", f"repo:{REPOSITORY}:ref:refs/heads/topic", "sts.amazonaws.com"),
        ("registry", "repo:acme@1234567/shop@1:ref:refs/heads/main", "sts.amazonaws.com"),
        ("registry", f"repo:{WITH_IDS}:pull_request", "sts.amazonaws.com"),
    ],
)
def test_no_other_token_gets_a_role(account: Account, role: str, subject: str, audience: str) -> None:
    with pytest.raises(ClientError, match=r"Not authorized|Incorrect token audience"):
        account.session(role, subject, audience)


@pytest.mark.parametrize(
    ("role", "place"),
    [
        (f"{ENVIRONMENT}-deploy", f"environment:{ENVIRONMENT}"),
        ("registry", "ref:refs/heads/main"),
        ("plan", "ref:refs/heads/main"),
        ("plan", "pull_request"),
    ],
)
@pytest.mark.parametrize("repository", [REPOSITORY, WITH_IDS], ids=["name", "numbers"])
def test_a_token_gets_its_role_by_name_and_by_the_numbers_of_newer_repositories(
    account: Account, repository: str, role: str, place: str
) -> None:
    assert account.session(role, f"repo:{repository}:{place}")["AWS_SESSION_TOKEN"]


def test_a_plan_of_the_empty_account_touches_nothing(account: Account) -> None:
    planned = account.plan("plan", ENVIRONMENT)

    assert 0 == planned.exit_code
    assert "would create" in planned.output


def test_a_release_from_scratch(account: Account) -> None:
    ran = account.deploy("deploy", ENVIRONMENT, "--image", account.image())

    assert 0 == ran.exit_code


def test_every_role_of_the_release_wears_the_boundary(account: Account) -> None:
    iam = account.client("iam")
    made = [
        iam.get_role(RoleName=role["RoleName"])["Role"]
        for role in iam.list_roles()["Roles"]
        if role["RoleName"].startswith(f"{SERVICE}-{ENVIRONMENT}-ecs-stack-")
    ]

    worn = {role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") for role in made}
    assert 4 == len(made)
    assert {f"arn:aws:iam::{ACCOUNT}:policy/{SERVICE}-boundary"} == worn


def test_a_second_version_is_planned_and_released_blue_green(account: Account) -> None:
    account.edit_the_service()
    file = f"infra/environments/{ENVIRONMENT}.yaml"
    account.clone.replace(file, "LogRetentionDays: 1", "LogRetentionDays: 3")
    account.clone.replace("infra/ecr.yaml", '"countNumber": 14', '"countNumber": 15')
    image = account.image()

    planned = account.plan("plan", ENVIRONMENT)
    ran = account.deploy("deploy", ENVIRONMENT, "--image", image)

    assert (0, 0) == (planned.exit_code, ran.exit_code)


def test_everything_can_be_looked_at(account: Account) -> None:
    commands = (("smoke",), ("status",), ("logs",), ("history",))

    assert {0} == {account.deploy(*words, ENVIRONMENT).exit_code for words in commands}


def test_drift_is_looked_for_by_the_role_that_plans(account: Account) -> None:
    assert 0 == account.run(account.session("plan", MAIN), "drift", ENVIRONMENT).exit_code


def test_the_version_before_is_released_again(account: Account) -> None:
    assert 0 == account.deploy("rollback", ENVIRONMENT).exit_code


def test_a_bad_version_is_stopped_at_the_gate(account: Account) -> None:
    account.clone.replace("app/orders/api.py", "quantity=order.quantity,", "quantity=order.quantity + 1,")

    assert 19 == account.deploy("deploy", ENVIRONMENT, "--image", account.image()).exit_code


def test_the_plan_role_can_release_nothing(account: Account) -> None:
    ran = account.plan("deploy", ENVIRONMENT)

    assert 5 == ran.exit_code
    assert "these credentials may not" in ran.output


def test_the_deploy_role_can_put_no_image_into_the_repository(account: Account) -> None:
    account.edit_the_service()

    ran = account.deploy("image", ENVIRONMENT)

    assert 5 == ran.exit_code


def test_the_environment_is_destroyed(account: Account) -> None:
    assert 0 == account.deploy("destroy", ENVIRONMENT, "--confirm", ENVIRONMENT).exit_code
    assert [] == account.client("logs").describe_log_groups()["logGroups"]


def test_what_the_roles_asked_for_is_what_their_policies_were_judged_by(
    account: Account, recorded: Path
) -> None:
    """After a change that asks for more or less, RECORD=1 writes it down anew, and test_policies judges."""
    seen = recording(recorded)
    if os.environ.get("RECORD"):
        RECORDED.write_text(json.dumps(seen, indent=2) + "\n", encoding="utf-8")

    assert json.loads(RECORDED.read_text(encoding="utf-8")) == seen
