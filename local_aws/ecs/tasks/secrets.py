"""The secrets of a container definition, from SSM Parameter Store and from Secrets Manager.

The task execution role reads the secrets, so its policies and its boundary must allow that.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local_aws.checkout import region_of
from local_aws.shapes import ContainerDefinition, SSMClient

PREFIX = (
    "ResourceInitializationError: unable to pull secrets or registry auth: "
    "execution resource retrieval failed: "
)
RETRIED = "service call has been retried 1 time(s): "


class SecretError(Exception):
    """A secret could not be read; the message is ECS's. The message holds no part of a secret's value."""


@dataclass(frozen=True)
class SecretReference:
    """A secret of Secrets Manager as `valueFrom` names it; "" where it names no key, stage or version."""

    arn: str
    json_key: str = ""
    stage: str = ""
    version: str = ""


@dataclass(frozen=True)
class SecretStores:
    """What the execution role of a task reads.

    parameters(names): the values of the SSM parameters that exist, by name;
    secret(reference): the text of a secret, raises SecretError;
    denial(action, resource): IAM's words when the role may not do that, "" when the role may.
    """

    parameters: Callable[[list[str]], Mapping[str, str]]
    secret: Callable[[SecretReference], str]
    denial: Callable[[str, str], str] = lambda *_: ""


def is_secret(value_from: str) -> bool:
    """Whether `valueFrom` names a secret of Secrets Manager. Otherwise it names an SSM parameter."""
    return value_from.split(":")[2:3] == ["secretsmanager"]


def parameter_name(value_from: str) -> str:
    """The name of a parameter, from a name or an ARN. An ARN leaves out the slash before a path."""
    if not value_from.startswith("arn:"):
        return value_from
    name = value_from.split(":", 5)[5].removeprefix("parameter/")
    return f"/{name}" if "/" in name else name


def secret_reference(value_from: str) -> SecretReference:
    """The secret in `valueFrom`: its ARN, or "<ARN>:<json-key>:<version-stage>:<version-id>".

    Raises SecretError for any other number of colons.
    """
    parts = value_from.split(":")
    if len(parts) not in (7, 10):
        raise SecretError(
            f"{PREFIX}unable to retrieve secret from asm: "
            "unexpected ARN format with parameters when trying to retrieve ASM secret"
        )
    return SecretReference(":".join(parts[:7]), *parts[7:])


def secret_environment(
    definition: ContainerDefinition, stores: SecretStores, place: str = ""
) -> dict[str, str]:
    """The environment variables of the definition's secrets.

    place: "<region>:<account>" of the task, where a parameter without an ARN lies. Raises SecretError when
    one is missing, or when the execution role may not read it.
    """
    named = {one["name"]: one["valueFrom"] for one in definition.get("secrets") or []}
    secrets = {name: secret_reference(value) for name, value in named.items() if is_secret(value)}
    wanted = {name: parameter_name(value) for name, value in named.items() if not is_secret(value)}
    for name in wanted.values():
        denied = stores.denial("ssm:GetParameters", f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}")
        if denied:
            raise SecretError(f"{PREFIX}unable to retrieve secrets from ssm: {RETRIED}{_refused(denied)}")
    return _parameters(wanted, stores) | {
        name: _value(reference, stores) for name, reference in secrets.items()
    }


def _parameters(wanted: Mapping[str, str], stores: SecretStores) -> dict[str, str]:
    if not wanted:
        return {}
    known = stores.parameters(sorted(set(wanted.values())))
    missing = sorted(set(wanted.values()) - set(known))
    if missing:
        raise SecretError(
            f"{PREFIX}unable to retrieve secrets from ssm: {RETRIED}"
            f"invalid ssm parameters: {', '.join(missing)}"
        )
    return {variable: known[name] for variable, name in wanted.items()}


def _value(reference: SecretReference, stores: SecretStores) -> str:
    denied = stores.denial("secretsmanager:GetSecretValue", reference.arn)
    if denied:
        raise _unfetched(reference, _refused(denied))
    text = stores.secret(reference)
    if not reference.json_key:
        return text
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        # ECS quotes the character at which the text stops being JSON; here no part of a secret is quoted.
        raise SecretError(
            f"{PREFIX}unable to retrieve secret from asm: {RETRIED}"
            f"invalid character looking for beginning of value: the secret {reference.arn} is no JSON object"
        )
    if reference.json_key not in fields:
        raise SecretError(
            f"{PREFIX}unable to retrieve secret from asm: {RETRIED}"
            f"retrieved secret from Secrets Manager did not contain json key {reference.json_key}"
        )
    return as_printed(fields[reference.json_key])


def as_printed(value: Any) -> str:
    """A JSON value as the ECS agent prints it, a program in Go: 5432 and true, but 1e+06 for a million."""
    match value:
        case str():
            return value
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case dict():
            return f"map[{' '.join(f'{key}:{as_printed(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(as_printed, value))}]"
    number = float(value)
    digits = repr(number).partition("e")[0].replace(".", "").strip("-0")
    if abs(number) >= 1e6 or 0 < abs(number) < 1e-4:
        return f"{number:.{len(digits) - 1}e}"
    return repr(number).removesuffix(".0")


def from_parameter_store(client: SSMClient) -> Callable[[list[str]], Mapping[str, str]]:
    """Read and decrypt parameters with a boto3 SSM client, ten in each request as the API allows."""

    def read(names: list[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for start in range(0, len(names), 10):
            answer = client.get_parameters(Names=names[start : start + 10], WithDecryption=True)
            values |= {one["Name"]: one["Value"] for one in answer["Parameters"]}
        return values

    return read


def from_secrets_manager(
    client: Callable[[str], Any],
) -> Callable[[SecretReference], str]:
    """Read the text of secrets. client(region): a boto3 client of Secrets Manager."""

    def read(reference: SecretReference) -> str:
        chosen = {"VersionStage": reference.stage, "VersionId": reference.version}
        try:
            answer = client(region_of(reference.arn)).get_secret_value(
                SecretId=reference.arn, **{key: value for key, value in chosen.items() if value}
            )
        except ClientError as error:
            problem = error.response["Error"]
            raise _unfetched(reference, _refused(problem["Message"], problem["Code"])) from error
        if reference.arn not in (answer["ARN"], answer["ARN"][:-7]):  # an ARN may lack its six random letters
            words = "Secrets Manager can't find the specified secret."
            raise _unfetched(reference, _refused(words, "ResourceNotFoundException"))
        if "SecretString" not in answer:
            raise _unfetched(reference, "the secret holds binary data; ECS takes text only")
        return str(answer["SecretString"])

    return read


def _unfetched(reference: SecretReference, why: str) -> SecretError:
    return SecretError(
        f"{PREFIX}unable to retrieve secret from asm: {RETRIED}failed to fetch secret {reference.arn} from "
        f"secrets manager: {why}"
    )


def _refused(words: str, code: str = "AccessDeniedException") -> str:
    return f"{code}: {words} status code: 400, request id: {uuid.uuid4()}"
