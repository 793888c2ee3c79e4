"""The secrets of a container definition, from SSM Parameter Store.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from collections.abc import Callable, Mapping

from local_aws.shapes import ContainerDefinition, SSMClient

Parameters = Callable[[list[str]], Mapping[str, str]]


class SecretError(Exception):
    """A secret could not be read; the message is ECS's."""


def parameter_name(value_from: str) -> str:
    """The name of a parameter, from a name or an ARN. An ARN leaves out the slash before a path."""
    if not value_from.startswith("arn:"):
        return value_from
    name = value_from.split(":", 5)[5].removeprefix("parameter/")
    return f"/{name}" if "/" in name else name


def secret_environment(definition: ContainerDefinition, parameters: Parameters) -> dict[str, str]:
    """The environment variables of the definition's secrets.

    parameters(names) gives the values of the parameters that exist. Raises SecretError when one is missing.
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


def from_parameter_store(client: SSMClient) -> Parameters:
    """Read and decrypt parameters with a boto3 SSM client, ten in each request as the API allows."""

    def read(names: list[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for start in range(0, len(names), 10):
            answer = client.get_parameters(Names=names[start : start + 10], WithDecryption=True)
            values |= {one["Name"]: one["Value"] for one in answer["Parameters"]}
        return values

    return read
