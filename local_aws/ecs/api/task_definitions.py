"""AWS::ECS::TaskDefinition with secrets, health checks and dependencies, which MiniStack's handler loses.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from collections.abc import Mapping
from typing import Any

from local_aws.ecs.api.requests import as_resource_error
from local_aws.ecs.api.task_definition_refusals import refusal
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Attributes, Properties, Registry, Response

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
# The keys of these maps are the user's data, not property names.
FREE_FORM = ("options", "dockerLabels", "driverOpts", "labels")


def camel(value: Any, inside: str = "") -> Any:
    """Turn CloudFormation's PascalCase keys into the ECS API's camelCase; the user's own keys stay."""
    if isinstance(value, Mapping):
        if inside in FREE_FORM:
            return {key: str(one) for key, one in value.items()}
        renamed = {key[:1].lower() + key[1:]: one for key, one in value.items()}
        return {key: camel(one, key) for key, one in renamed.items()}
    if isinstance(value, list):
        return [camel(one) for one in value]
    return value


def normalised(definition: dict[str, Any]) -> dict[str, Any]:
    """The task definition with the API's types and defaults in its container definitions."""
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
    """Raise RefusedError when Fargate refuses a task definition in the API's names."""
    if (why := refusal(definition)) is not None:
        raise RefusedError("ClientException", why)


def register(registry: Registry) -> None:
    shipped = registry.shipped_operation("ecs", "RegisterTaskDefinition")
    definitions = registry.records(TASK_DEFINITION)

    def register_definition(request: dict[str, Any]) -> Response:
        check(request)
        return shipped(request)

    def check_resource(properties: Properties, _: str) -> None:
        try:
            check(camel(properties))
        except RefusedError as error:
            raise as_resource_error(error, "Create TaskDefinition: ") from error

    def complete(arn: str, properties: Properties, attributes: Attributes) -> None:
        whole = camel({key: value for key, value in properties.items() if key != "Tags"})
        definitions[arn.rpartition("/")[2]].update(normalised(whole))
        attributes["TaskDefinitionArn"] = arn

    registry.operation("ecs", "RegisterTaskDefinition", register_definition)
    registry.extend_resource_type(TASK_DEFINITION, check=check_resource, made=complete)
