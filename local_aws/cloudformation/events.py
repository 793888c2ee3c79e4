"""The events of a stack's resources, where MiniStack's events differ from CloudFormation's.

CloudFormation shows no event of a resource whose properties an update does not change; MiniStack shows two.
When a resource fails and exists, CloudFormation's event names its physical id.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
"""

import contextvars
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.cloudformation import AddEvent, Properties, ResourceOperation
from local_aws.emulator.registry import Registry


class FailedAfterCreationError(ValueError):
    """A resource failed after it was created; the message is AWS's."""

    def __init__(self, words: str, physical_id: str) -> None:
        super().__init__(words)
        self.physical_id = physical_id


def show_creation(
    stack_name: str, logical_id: str, type_: str, physical_id: str, properties: Properties
) -> dict[str, Any]:
    """Let DescribeStackResources show a resource that is being created; MiniStack shows complete ones only.

    Returns the stack's resources by logical id. MiniStack's rollback does not delete a resource whose
    creation failed. So the handler must delete the resource, and remove it from the result.
    """
    resources = engine.resources_of(stack_name)
    resources[logical_id] = {
        "PhysicalResourceId": physical_id,
        "ResourceType": type_,
        "ResourceStatus": "CREATE_IN_PROGRESS",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return resources


class ResourceEvents:
    """Holds back the first event of a resource's update until the update is known to change the resource.

    add: records an event. known_id(stack name, logical id) gives the physical id of a resource of the stack,
    or "". region() gives the region of this thread: a stack's name is unique in its region only.
    """

    def __init__(
        self, add: AddEvent, known_id: Callable[[str, str], str], region: Callable[[], str] = lambda: ""
    ) -> None:
        self._add = add
        self._known_id = known_id
        self._region = region
        self._held: dict[tuple[str, str, str], Callable[[], None]] = {}
        self._unchanged: set[tuple[str, str, str]] = set()

    def add(
        self,
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        """Record an event, hold it back, or drop it."""
        resource = self._region(), stack_name, logical_id
        if status == "UPDATE_COMPLETE" and resource in self._unchanged:
            self._unchanged.discard(resource)
            return
        if status.endswith("_FAILED") and not physical_id:
            made = getattr(sys.exc_info()[1], "physical_id", "")
            physical_id = made or self._known_id(stack_name, logical_id)
        event = (stack_id, stack_name, logical_id, resource_type, status, reason, physical_id)
        self._release(resource)
        if status == "UPDATE_IN_PROGRESS" and physical_id != stack_id and not reason:
            # Only this thread's context has the operation's ClientRequestToken.
            context = contextvars.copy_context()
            self._held[resource] = lambda: context.run(self._add, *event, detailed_status)
        else:
            self._add(*event, detailed_status)

    def before(self, operation: ResourceOperation) -> None:
        """Show the event that was held back, unless the operation changes nothing."""
        resource = self._region(), operation.stack_name, operation.logical_id
        if operation.changes_nothing:
            self._held.pop(resource, None)
            self._unchanged.add(resource)
        elif operation.kind != "delete":
            self._release(resource)

    def _release(self, resource: tuple[str, str, str]) -> None:
        held = self._held.pop(resource, None)
        if held is not None:
            held()


def register(registry: Registry) -> None:
    """Let every event of a stack pass through ResourceEvents."""

    def known_id(stack_name: str, logical_id: str) -> str:
        resource = engine.resources_of(stack_name).get(logical_id, {})
        return str(resource.get("PhysicalResourceId", ""))

    def around(add: AddEvent) -> AddEvent:
        events = ResourceEvents(add, known_id, registry.region)
        engine.before_resource(events.before)
        return events.add

    engine.around_events(around)
