"""Hooks into CloudFormation's engine: resources, events, names, parameters, drift."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from local_aws.emulator import internals
from local_aws.emulator.records import Record, records

Properties = dict[str, Any]
Attributes = dict[str, Any]
AddEvent = Callable[..., None]
Shipped = Callable[..., Any]
Kind = Literal["create", "update", "delete"]
ReadDrift = Callable[[str, Properties], Properties | None]
"""physical id, the template's properties -> the actual properties; None when the resource is gone."""

DRIFT_READERS = ("cloudformation.drift", "_DRIFT_READERS")
_STACKS = "cloudformation.stacks"
_ARGUMENTS = {
    "create": ("resource_type", "logical_id", "properties", "stack_name"),
    "update": ("resource_type", "physical_id", "before", "properties", "stack_name", "logical_id"),
    "delete": ("resource_type", "physical_id", "properties", "stack_name", "logical_id"),
}
_PROVISIONERS = "cloudformation.provisioners"


@dataclass(frozen=True)
class ResourceOperation:
    """What CloudFormation is about to do with a resource. before: the present properties, on an update."""

    kind: Kind
    resource_type: str
    logical_id: str
    stack_name: str
    properties: Properties
    before: Properties | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether this is an update to the present properties."""
        return self.before == self.properties

    @property
    def replaces(self) -> bool:
        """Whether this is an update that makes another resource in place of the present one."""
        replaces: bool = internals.get(_PROVISIONERS, "_replacing_change")(
            self.resource_type, self.before or {}, self.properties
        )
        return replaces


def before_resource(hook: Callable[[ResourceOperation], None]) -> None:
    """Run `hook` before each operation on a resource. The hook that was registered last runs first.

    The hook may raise ValueError(AWS's words): then the resource fails.
    """

    def asking_first(kind: Kind, shipped: Shipped) -> Shipped:
        def operate(*given: Any) -> Any:
            named = dict(zip(_ARGUMENTS[kind], given, strict=False))
            named.pop("physical_id", None)
            hook(ResourceOperation(kind, **named))
            return shipped(*given)

        return operate

    internals.replace(_STACKS, "_provision_resource", partial(asking_first, "create"))
    internals.replace(_STACKS, "_update_resource", partial(asking_first, "update"))
    internals.replace(_STACKS, "_delete_resource", partial(asking_first, "delete"))


def before_removals(denied: Callable[[str, Mapping[str, str]], tuple[str, str] | None]) -> None:
    """Ask denied(stack name, logical id -> type) of what an update no longer has, before the update begins.

    `denied` gives the logical id of a resource that must stay with AWS's words, else None. Where a resource
    must stay, the update fails with these words.
    """
    cancelled: set[str] = set()

    def wrap(shipped: Shipped) -> Shipped:
        async def deploy(
            stack_name: str, stack_id: str, template: Properties, *given: Any, **more: Any
        ) -> None:
            there = (more.get("previous_stack") or {}).get("_resources", {})
            removed = {
                logical_id: resource["ResourceType"]
                for logical_id, resource in there.items()
                if not _stays(template, logical_id, stack_name)
            }
            found = denied(stack_name, removed) if removed else None
            if found is not None:
                logical_id, words = found
                resource_type, physical_id = removed[logical_id], there[logical_id]["PhysicalResourceId"]
                event = (stack_id, stack_name, logical_id, resource_type, "UPDATE_FAILED", words, physical_id)
                internals.get(_STACKS, "_add_event")(*event)
                cancelled.add(stack_name)
            await shipped(stack_name, stack_id, template, *given, **more)

        return deploy

    def cancel(operation: ResourceOperation) -> None:
        if operation.stack_name in cancelled:
            cancelled.discard(operation.stack_name)
            raise ValueError("Resource update cancelled")

    for module in ("changesets", "handlers"):
        internals.replace(f"cloudformation.{module}", "_deploy_stack_async", wrap)
    before_resource(cancel)


def _stays(template: Properties, logical_id: str, stack_name: str) -> bool:
    resource = template.get("Resources", {}).get(logical_id)
    conditions = records("AWS::CloudFormation::Stack")[stack_name].get("_conditions", {})
    return resource is not None and conditions.get(resource.get("Condition"), True)


def resources_of(stack_name: str) -> dict[str, Record]:
    """The resources of a stack of this region, by logical id; empty for an unknown stack."""
    resources: dict[str, Record] = (records("AWS::CloudFormation::Stack").get(stack_name) or {}).get(
        "_resources", {}
    )
    return resources


def stack_policy_of(stack: Record) -> str:
    """The stack policy as it was set, "" where none was."""
    policy: str = stack.get("_stack_policy", "")
    return policy


def resource_in_template(stack_name: str, logical_id: str) -> Record:
    """A resource as the template of its stack has it, functions and all; empty for an unknown one."""
    stack = records("AWS::CloudFormation::Stack").get(stack_name) or {}
    template: Record = stack.get("_template") or {}
    return template.get("Resources", {}).get(logical_id) or {}


def around_events(wrap: Callable[[AddEvent], AddEvent]) -> None:
    """Wrap the function that records the events of stacks.

    The function takes stack id, stack name, logical id, resource type, status, reason, physical id and
    detailed status.
    """
    internals.replace(_STACKS, "_add_event", wrap)


def add_stack_event(stack: Record) -> None:
    """Record the present status of a stack as an event."""
    stack_id, name = stack["StackId"], stack["StackName"]
    status, reason = stack["StackStatus"], stack.get("StackStatusReason", "")
    internals.get(_STACKS, "_add_event")(
        stack_id, name, name, "AWS::CloudFormation::Stack", status, reason, stack_id
    )


def around_physical_names(change: Callable[[str], str]) -> None:
    """Pass each name that CloudFormation generates for a resource through `change`."""

    def wrap(shipped: Callable[..., str]) -> Callable[..., str]:
        return lambda *stack_and_id, **options: change(shipped(*stack_and_id, **options))

    internals.replace(_PROVISIONERS, "_physical_name", wrap)


def replacing_properties(
    always: Mapping[str, tuple[str, ...]], perhaps: Mapping[str, tuple[str, ...]]
) -> None:
    """Say of resource types which properties replace a resource, and which may."""
    internals.replace(_PROVISIONERS, "_REPLACING_PROPERTIES", lambda shipped: {**shipped, **always})
    conditionally = "_CONDITIONALLY_REPLACING_PROPERTIES"
    internals.replace(_PROVISIONERS, conditionally, lambda shipped: {**shipped, **perhaps})


def locate_documents(object_of: Callable[[str], tuple[str, str] | None]) -> None:
    """Let `object_of` find the bucket and key of each TemplateURL and StackPolicyURL.

    CloudFormation refuses the request when `object_of` gives None.
    """

    def wrap(shipped: Shipped) -> Shipped:
        def resolve(parameters: Mapping[str, Any], body_key: str, url_key: str, label: str) -> Any:
            url = (parameters.get(url_key) or [""])[0] if not parameters.get(body_key) else ""
            if url:
                found = object_of(url)
                if found is None:
                    error = internals.get("cloudformation.helpers", "_error")
                    return None, error("ValidationError", f"{url_key} must be a supported URL.")
                # MiniStack reads this style only.
                parameters = {**parameters, url_key: [f"https://s3.amazonaws.com/{'/'.join(found)}"]}
            return shipped(parameters, body_key, url_key, label)

        return resolve

    internals.replace("cloudformation.helpers", "_resolve_document", wrap)


def before_parameters(check: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], None]) -> None:
    """Run check(the template's Parameters, the given parameters) before CloudFormation resolves parameters.

    The check may raise ValueError(AWS's words): then CloudFormation refuses the request.
    """

    def wrap(shipped: Shipped) -> Shipped:
        def resolve(template: Properties, given: list[Properties], previous: Properties | None = None) -> Any:
            check(template.get("Parameters", {}), given)
            return shipped(template, given, previous)

        return resolve

    for module in ("changesets", "handlers"):
        internals.replace(f"cloudformation.{module}", "_resolve_parameters", wrap)


def around_parsed_templates(change: Callable[[Properties], Properties]) -> None:
    """Pass each template through `change` when CloudFormation has read its YAML or JSON."""

    def wrap(shipped: Callable[[str], Properties]) -> Callable[[str], Properties]:
        return lambda body: change(shipped(body))

    for module in ("changesets", "engine", "handlers"):
        internals.replace(f"cloudformation.{module}", "_parse_template", wrap)


def around_attributes(change: Callable[[Attributes], Attributes]) -> None:
    """Pass the attributes of each resource that is created or updated through `change`."""

    def wrap(shipped: Shipped) -> Shipped:
        def operate(*given: Any) -> Any:
            physical_id, attributes, *more = shipped(*given)
            return (physical_id, change(attributes), *more)

        return operate

    for name in ("_provision_resource", "_update_resource"):
        internals.replace(_STACKS, name, wrap)


def before_templates(check: Callable[[str], None]) -> None:
    """Run check(the template's text) before CloudFormation reads a template.

    The check may raise ValueError(AWS's words): then CloudFormation refuses the request.
    """

    def wrap(shipped: Shipped) -> Shipped:
        def parse(body: str) -> Any:
            check(body)
            return shipped(body)

        return parse

    for module in ("changesets", "engine", "handlers"):
        internals.replace(f"cloudformation.{module}", "_parse_template", wrap)


def read_drift(resource_type: str, read: ReadDrift, properties: Iterable[str] = ()) -> None:
    """Register `read` as the reader of a resource type, and the properties that it finds."""
    internals.get(*DRIFT_READERS)[resource_type] = (read, frozenset(properties))
