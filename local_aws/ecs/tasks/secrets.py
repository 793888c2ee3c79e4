"""The values that a container definition's `secrets` name, from SSM Parameter Store."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef as ContainerDefinition
    from types_boto3_ssm import SSMClient

Parameters = Callable[[list[str]], Mapping[str, str]]


class SecretError(Exception):
    """A secret could not be read; the message is ECS's."""


def parameter_name(value_from: str) -> str:
    """The parameter's name from a name or an ARN; an ARN drops the slash in front of a path."""
    if not value_from.startswith("arn:"):
        return value_from
    name = value_from.split(":", 5)[5].removeprefix("parameter/")
    return f"/{name}" if "/" in name else name


def secret_environment(definition: "ContainerDefinition", parameters: Parameters) -> dict[str, str]:
    """Environment variables from the definition's secrets.

    parameters(names) gives the values of those that exist. Raises SecretError when one is missing:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
    """
    wanted = {one["name"]: parameter_name(one["valueFrom"]) for one in definition.get("secrets") or []}
    if not wanted:
        return {}
    known = parameters(sorted(set(wanted.values())))
    missing = sorted(set(wanted.values()) - set(known))
    if missing:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
            "retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
            f"invalid ssm parameters: {', '.join(missing)}"
        )
    return {variable: known[name] for variable, name in wanted.items()}


def from_parameter_store(client: "SSMClient") -> Parameters:
    """Read parameters with a boto3 SSM client, ten at a time as the API allows, decrypted."""

    def read(names: list[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for start in range(0, len(names), 10):
            answer = client.get_parameters(Names=names[start : start + 10], WithDecryption=True)
            values |= {one["Name"]: one["Value"] for one in answer["Parameters"]}
        return values

    return read
