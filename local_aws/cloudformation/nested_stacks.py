"""AWS::CloudFormation::Stack: a parent stack creates, updates and deletes a nested stack.

MiniStack runs a nested template inside the parent's resource, without dynamic references, deletion policies
or rollback. Here the parent stack asks the local AWS for a stack and waits for it, as CloudFormation does:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

import uuid
from typing import Any

from botocore.exceptions import ClientError

from local_aws.checkout import region_of
from local_aws.cloudformation.events import FailedAfterCreationError, show_creation
from local_aws.cloudformation.template_text import text
from local_aws.emulator.registry import Attributes, Properties, Registry, Response
from local_aws.shapes import CloudFormationClient, Stack
from pipeline.waiting import wait_until

TYPE = "AWS::CloudFormation::Stack"
# A stack waits as long as a service in it: 36 hours.
LONGEST_MINUTES = 36 * 60
LEAST_SECONDS = 3600.0
LONGEST_NAME = 128


def register(registry: Registry) -> None:
    """Register AWS::CloudFormation::Stack, and let DescribeStacks show the parent of a stack."""
    nested = NestedStacks(registry)
    _show_parents(registry)
    registry.resource_type(TYPE, create=nested.create, update=nested.update, delete=nested.delete, waits=True)


class NestedStacks:
    """Creates, updates and deletes nested stacks; each call runs on a thread of its own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._stacks = registry.records(TYPE)
        self._timeout = max(LEAST_SECONDS, LONGEST_MINUTES * registry.checkout.minute_seconds)

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        client = self._client(self._registry.region())
        parent = self._stacks[stack_name]
        keep_failed = bool(parent["DisableRollback"])
        name = f"{stack_name}-{logical_id}"[: LONGEST_NAME - 14] + f"-{uuid.uuid4().hex[:12].upper()}"
        request = request_of(properties)
        try:
            child = client.create_stack(StackName=name, DisableRollback=keep_failed, **request)["StackId"]
        except ClientError as error:
            raise ValueError(error.response["Error"]["Message"]) from error
        self._stacks[name] |= {
            "ParentId": parent["StackId"],
            "RootId": parent.get("RootId", parent["StackId"]),
        }
        resources = show_creation(stack_name, logical_id, TYPE, child, properties)
        stack = self._ended(client, child)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            words = f"Embedded stack {child} was not successfully created: {_failed_in(client, child)}"
            resources[logical_id]["ResourceStatus"] = "CREATE_FAILED"
            if not keep_failed:
                resources.pop(logical_id)
                self.delete(child)
            raise FailedAfterCreationError(words, child)
        return child, outputs_of(stack)

    def update(
        self, physical_id: str, _old: Properties, new: Properties, *_more: str
    ) -> tuple[str, Attributes]:
        client = self._client(region_of(physical_id))
        try:
            client.update_stack(StackName=physical_id, **request_of(new))
        except ClientError as error:
            words = error.response["Error"]["Message"]
            if "No updates are to be performed" not in words:
                raise ValueError(words) from error
        stack = self._ended(client, physical_id)
        if stack["StackStatus"] not in ("UPDATE_COMPLETE", "CREATE_COMPLETE"):
            raise ValueError(
                f"Embedded stack {physical_id} was not successfully updated. Currently in "
                f"{stack['StackStatus']} with reason: {_failed_in(client, physical_id)}"
            )
        return physical_id, outputs_of(stack)

    def delete(self, physical_id: str, *_properties: Properties) -> None:
        client = self._client(region_of(physical_id))
        client.delete_stack(StackName=physical_id)
        stack = self._ended(client, physical_id)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            reason = stack.get("StackStatusReason", "")
            raise ValueError(f"Embedded stack {physical_id} was not successfully deleted: {reason}")

    def _client(self, region: str) -> CloudFormationClient:
        client: CloudFormationClient = self._registry.client("cloudformation", region)
        return client

    def _ended(self, client: CloudFormationClient, stack_id: str) -> Stack:
        def look() -> "Stack | None":
            stack = client.describe_stacks(StackName=stack_id)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        return wait_until(
            look, what=f"stack {stack_id}", timeout=self._timeout, first_pause=0.1, longest_pause=0.5
        )


def _show_parents(registry: Registry) -> None:
    """Let DescribeStacks show the parent and the root of a nested stack."""
    shipped = registry.shipped_operation("cloudformation", "DescribeStacks")
    stacks = registry.records(TYPE)

    def describe(request: Any) -> Response:
        status, headers, body = shipped(request)
        for stack in stacks.values():
            if "ParentId" in stack:
                shown = f"<StackId>{stack['StackId']}</StackId>"
                family = f"<ParentId>{stack['ParentId']}</ParentId><RootId>{stack['RootId']}</RootId>"
                body = body.replace(shown.encode(), f"{shown}{family}".encode())
        return status, headers, body

    registry.operation("cloudformation", "DescribeStacks", describe)


def request_of(properties: Properties) -> dict[str, Any]:
    """The CreateStack or UpdateStack request for the properties of the resource.

    The parent's capabilities hold for the nested stack. Raises ValueError for a parameter that is a list.
    """
    parameters = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in parameters.values()):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
        raise ValueError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    tags = [one for one in properties.get("Tags") or [] if not one["Key"].startswith("aws:")]
    return {
        "TemplateURL": properties.get("TemplateURL", ""),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": text(value)} for key, value in parameters.items()
        ],
        "Tags": tags,
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }


def outputs_of(stack: Stack) -> Attributes:
    """The attributes for Fn::GetAtt: Outputs.NAME."""
    return {f"Outputs.{one['OutputKey']}": one["OutputValue"] for one in stack.get("Outputs") or []}


def _failed_in(client: CloudFormationClient, stack_id: str) -> str:
    events = client.describe_stack_events(StackName=stack_id)["StackEvents"]
    failed = [
        (one["ResourceStatus"].partition("_")[0].lower(), one["LogicalResourceId"])
        for one in reversed(events)
        if one["ResourceStatus"].endswith("_FAILED") and one.get("PhysicalResourceId") != stack_id
    ]
    what = failed[0][0] if failed else "create"
    names = ", ".join(dict.fromkeys(name for verb, name in failed if verb == what))
    return f"The following resource(s) failed to {what}: [{names}]."
