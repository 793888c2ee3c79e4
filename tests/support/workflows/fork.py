"""A fork at a pretended GitHub: act runs its workflows, its AWS account is a local one, empty at first."""

from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import yaml

from tests.support.clone import Clone, clone_to
from tests.support.workflows.act import REPOSITORY, Forge, tell_jobs

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


def make_fork(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A fork whose environments have an account, on a machine with Docker that no step had to start."""
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
