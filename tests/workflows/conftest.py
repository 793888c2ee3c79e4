"""A fork at a pretended GitHub: act runs its workflows, its AWS account is a local one, empty at first."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import yaml

from tests.end_to_end.conftest import Clone, clone_to
from tests.fake_github import FakeGitHub
from tests.workflows.act import REPOSITORY, Forge, tell_jobs
from tests.workflows.run import Run

ACCOUNT = "111122223333"
ENVIRONMENTS = ("dev", "staging", "prod")
SHORT = {
    "DeregistrationDelaySeconds": 2,
    "StopTimeoutSeconds": 5,
    "HealthCheckIntervalSeconds": 5,
    "TaskCount": 1,
    "GateTimeoutMinutes": 60,
}
"""Seconds are real ones on the local AWS too, and one task is enough: it is the workflows that are tested."""


def commit(clone: Clone, message: str) -> str:
    """Commit everything on the branch that is checked out; its id."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid")
    clone.run("git", *who, "commit", "--quiet", "--all", "--message", message)
    return clone.run("git", "rev-parse", "HEAD").output.strip()


@pytest.fixture(scope="session")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A fork whose environments have an account, on a machine with Docker that no step had to start."""
    from pipeline.local.engine import ensure_engine

    ensure_engine(print)
    clone = clone_to(tmp_path_factory.mktemp("fork"))
    for name in ENVIRONMENTS:
        file = clone.path / f"infra/environments/{name}.yaml"
        wanted = yaml.safe_load(file.read_text())
        wanted["account"] = ACCOUNT
        wanted["parameters"] |= SHORT
        file.write_text(yaml.safe_dump(wanted, sort_keys=False))
    tell_jobs(clone.path / ".github/workflows")
    clone.run("git", "branch", "--quiet", "--move", "main")
    clone.run("git", "remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
    commit(clone, "Our account")
    return Forge(clone, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def github(fork: Forge) -> Iterator[FakeGitHub]:
    """The issues and comments of the fork."""
    with FakeGitHub() as github:
        fork.environment["GITHUB_API_URL"] = github.url
        yield github


@dataclass(frozen=True)
class Account:
    """The fork's AWS account, seen from outside the workflows."""

    endpoint: str

    @property
    def administrator(self) -> dict[str, str]:
        """The environment of somebody who may do everything here, from a machine of their own."""
        keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test"}
        return {"AWS_ENDPOINT_URL": self.endpoint, **keys}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="eu-west-1",
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
        )

    def output(self, environment: str, name: str, template: str = "ecs-stack") -> str:
        """An output of one of the environment's stacks."""
        stacks = self.client("cloudformation").describe_stacks(StackName=f"orders-{environment}-{template}")
        found: dict[str, str] = {o["OutputKey"]: o["OutputValue"] for o in stacks["Stacks"][0]["Outputs"]}
        return found[name]

    def changes(self, environment: str) -> dict[str, Any]:
        """When each of the environment's stacks was last changed; the same later: nothing was touched."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {
            stack["StackName"]: (stack.get("LastUpdatedTime", stack["CreationTime"]), stack["StackStatus"])
            for stack in stacks
            if stack["StackName"].startswith(f"orders-{environment}-")
        }

    def stacks(self) -> set[str]:
        answer = self.client("cloudformation").describe_stacks()
        return {stack["StackName"] for stack in answer["Stacks"]}

    def secrets(self) -> dict[str, str]:
        """What nobody may read: the parameters that the pipeline fills with random values, by name."""
        pages = self.client("ssm").get_paginator("get_parameters_by_path")
        found = pages.paginate(Path="/", Recursive=True, WithDecryption=True)
        every = {each["Name"]: each["Value"] for page in found for each in page["Parameters"]}
        return {name: value for name, value in every.items() if name.endswith(("/password", "/secret"))}


@pytest.fixture(scope="session")
def account(fork: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that has been through `make bootstrap`, and nothing else."""
    here = clone_to(tmp_path_factory.mktemp("account"))
    (here.path / ".venv").symlink_to(sys.prefix)
    try:
        up = here.pipeline("local", "up", SLIPWAY_LOCAL_ACCOUNT=ACCOUNT, SLIPWAY_LOCAL_MINUTE_SECONDS="0.5")
        assert up.exit_code == 0, up.output
        endpoint = re.findall(r"http://localhost:\d+", up.output)[-1]
        fork.environment["AWS_ENDPOINT_URL"] = endpoint
        (fork.clone.path / ".venv").symlink_to(here.path / ".venv")
        account = Account(endpoint)
        bootstrap = fork.clone.pipeline("bootstrap", *ENVIRONMENTS, **account.administrator)
        assert bootstrap.exit_code == 0, bootstrap.output
        yield account
    finally:
        here.pipeline("local", "down")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Destroying comes last, whatever the alphabet says: the others share the environments."""
    items.sort(key=lambda item: item.path.name == "test_destroy.py" and item.path.parent.name == "workflows")


@pytest.fixture(scope="session")
def pushed(fork: Forge, account: Account) -> Run:
    """The first push to main: everything from nothing."""
    run = fork.run("deploy", "push")
    assert run.exit_code == 0, run.said
    return run
