"""AWS::ECS::TaskDefinition with secrets, health checks and dependencies, which MiniStack's handler loses.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from typing import Any

from local_aws.ecs.api.requests import as_resource_error, request_from
from local_aws.ecs.api.task_definition_refusals import refusal
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Attributes, Properties, Registry

TASK_DEFINITION = "AWS::ECS::TaskDefinition"


def with_defaults(request: dict[str, Any]) -> dict[str, Any]:
    """The task definition with ECS's defaults in its container definitions."""
    defaults = {"essential": True, "cpu": 0, "environment": []}
    containers = request.get("containerDefinitions") or []
    return {**request, "containerDefinitions": [{**defaults, **one} for one in containers]}


def check(definition: Any) -> None:
    """Raise RefusedError when Fargate refuses a task definition in the API's names."""
    if (why := refusal(definition)) is not None:
        raise RefusedError("ClientException", why)


def register(registry: Registry) -> None:
    definitions = registry.records(TASK_DEFINITION)

    def check_resource(properties: Properties, _: str) -> None:
        try:
            check(request_from(properties, "RegisterTaskDefinition"))
        except RefusedError as error:
            raise as_resource_error(error, "Create TaskDefinition: ") from error

    def complete(arn: str, properties: Properties, attributes: Attributes) -> None:
        request = request_from(properties, "RegisterTaskDefinition")
        request.pop("tags", None)
        definitions[arn.rpartition("/")[2]].update(with_defaults(request))
        attributes["TaskDefinitionArn"] = arn

    registry.check_operation("ecs", "RegisterTaskDefinition", check)
    registry.extend_resource_type(TASK_DEFINITION, check=check_resource, made=complete)
