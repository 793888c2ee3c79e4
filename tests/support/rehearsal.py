"""A local AWS of the tests' own, in a checkout of its own, so that no other on this machine is disturbed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

import local_aws


@dataclass(frozen=True)
class Rehearsal:
    """A running local AWS and its checkout."""

    checkout: Path
    aws: local_aws.Checkout

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint_url,
            region_name=self.aws.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def deploy(self, stack: str, template: str, **parameters: str) -> dict[str, Any]:
        """Create or update a stack with CreateStack or UpdateStack; the stack as it ends."""
        cloudformation = self.client("cloudformation")
        arguments = {
            "StackName": stack,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        }
        if any(s["StackName"] == stack for s in cloudformation.describe_stacks()["Stacks"]):
            cloudformation.update_stack(**arguments)
        else:
            cloudformation.create_stack(**arguments)
        return self.ended(stack)

    def delete(self, stack: str) -> str:
        """Delete a stack; its last status."""
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        return str(self.ended(stack_id)["StackStatus"])

    def ended(self, stack: str) -> dict[str, Any]:
        cloudformation = self.client("cloudformation")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{stack} is still {found['StackStatus']}")

    def failures(self, stack: str) -> list[str]:
        """The reasons of the resources that failed, first one first."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return [
            e["ResourceStatusReason"] for e in reversed(events) if e["ResourceStatus"].endswith("_FAILED")
        ]


@contextmanager
def rehearsal_in(checkout: Path) -> Iterator[Rehearsal]:
    """A local AWS in this checkout, which is taken down at the end."""
    try:
        yield Rehearsal(checkout, local_aws.up(checkout, print))
    finally:
        local_aws.down(checkout, print)
