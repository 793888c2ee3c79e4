"""AWS::ECS::TaskDefinition, whole: MiniStack's own handler loses secrets, health checks and dependencies."""

from collections.abc import Mapping
from typing import Any

from local_aws.ecs.api.requests import EcsError, as_resource_error, refuse
from local_aws.ecs.api.task_definition_refusals import refusal
from local_aws.emulator.registry import Attributes, Properties, Registry, Response

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
# Maps from names that the user chose: their keys are data, not property names.
FREE_FORM = ("options", "dockerLabels", "driverOpts", "labels")


def camel(value: Any, inside: str = "") -> Any:
    """CloudFormation's PascalCase as the ECS API's camelCase; keys that the user chose stay as they are."""
    if isinstance(value, Mapping):
        if inside in FREE_FORM:
            return {key: str(one) for key, one in value.items()}
        renamed = {key[:1].lower() + key[1:]: one for key, one in value.items()}
        return {key: camel(one, key) for key, one in renamed.items()}
    if isinstance(value, list):
        return [camel(one) for one in value]
    return value


def normalised(definition: dict[str, Any]) -> dict[str, Any]:
    """Container definitions with the types and defaults that the API gives back."""
    containers = []
    for container in definition.get("containerDefinitions") or []:
        essential = str(container.get("essential", True)).lower() == "true"
        changed = {**container, "essential": essential, "cpu": int(container.get("cpu") or 0)}
        for number in ("memory", "stopTimeout", "startTimeout"):
            if number in changed:
                changed[number] = int(changed[number])
        changed["environment"] = [
            {"name": one["name"], "value": str(one["value"])} for one in container.get("environment") or []
        ]
        containers.append(changed)
    return {**definition, "containerDefinitions": containers}


def check(definition: Any) -> None:
    """Raise EcsError when Fargate would not take a task definition in the API's names."""
    if (why := refusal(definition)) is not None:
        raise EcsError("ClientException", why)


def register(registry: Registry) -> None:
    shipped = registry.shipped_resource_type(TASK_DEFINITION)
    shipped_operation = registry.shipped_operation("ecs", "RegisterTaskDefinition")
    definitions = registry.records(TASK_DEFINITION)

    def complete(arn: str, properties: Properties) -> tuple[str, Attributes]:
        record = definitions[arn.rpartition("/")[2]]
        whole = camel({key: value for key, value in properties.items() if key != "Tags"})
        record.update(normalised(whole))
        return arn, {"TaskDefinitionArn": arn}

    def register_definition(request: dict[str, Any]) -> Response:
        try:
            check(request)
        except EcsError as error:
            return refuse(error)
        return shipped_operation(request)

    def check_resource(properties: Properties) -> None:
        try:
            check(camel(properties))
        except EcsError as error:
            raise as_resource_error(error, "Create TaskDefinition: ") from error

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        check_resource(properties)
        arn, _ = shipped["create"](logical_id, properties, stack_name)
        return complete(arn, properties)

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> tuple[str, Attributes]:
        check_resource(new)
        arn, _ = shipped["update"](physical_id, old, new, stack_name, logical_id)
        return complete(arn, new)

    registry.operation("ecs", "RegisterTaskDefinition", register_definition)
    registry.resource_type(TASK_DEFINITION, create=create, update=update, delete=shipped["delete"])
