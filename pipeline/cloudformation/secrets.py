"""SSM parameters with random values: SecureStrings, which CloudFormation cannot create, and plain ones.

Values are made here, go straight to SSM, and are never printed or logged. Only the secret of the test
traffic is read back: the smoke tests send it to reach the version under test.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline import masking
from pipeline.errors import TemplateError
from pipeline.graph.template import Template
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient
    from types_boto3_ssm.literals import ParameterTypeType

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")
REUSED_AFTER = 30.0
"""Seconds from the deletion of a parameter until SSM takes its name again.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
"""
_BATCH = 10  # GetParameters and DeleteParameters take ten names


def kinds_in(template: Template, values: Mapping[str, str]) -> "dict[str, ParameterTypeType]":
    """Every secret that a template resolves: its name, ${...} filled from `values` -> SecureString or String.

    Raises TemplateError for a ${...} whose value is not known before the deploy.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise TemplateError(
                f"{template.path}: the secret's name holds ${{{match[1]}}}",
                why="only parameters that are known before the deploy may stand in the name of a secret",
                next_step="use ${ServiceName} and ${EnvironmentName}",
            )
        return values[match[1]]

    kinds: dict[str, ParameterTypeType] = dict.fromkeys(template.secure_references, "SecureString")
    kinds.update(dict.fromkeys(template.plain_references, "String"))
    return {_PLACEHOLDER.sub(fill, name): kind for name, kind in sorted(kinds.items())}


def names_in(template: Template, values: Mapping[str, str]) -> list[str]:
    """The names of the secrets that a template resolves, sorted. Raises TemplateError as `kinds_in` does."""
    return sorted(kinds_in(template, values))


def missing(ssm: "SSMClient", names: Iterable[str]) -> list[str]:
    """The `names` of which no parameter exists. No value is decrypted."""
    absent: list[str] = []
    for batch in _batches(names):
        absent.extend(ssm.get_parameters(Names=batch, WithDecryption=False)["InvalidParameters"])
    return absent


def create(
    ssm: "SSMClient",
    name: str,
    tags: Mapping[str, str],
    wait: Wait,
    kind: "ParameterTypeType" = "SecureString",
) -> bool:
    """Create a parameter with 192 random bits. False where somebody else made it first: their value stays.

    Raises WaitTimeoutError where SSM still refuses after 60 seconds.
    """
    value = masking.remember(secrets.token_urlsafe(24))

    def probe() -> bool | None:
        try:
            ssm.put_parameter(
                Name=name,
                Value=value,
                Type=kind,
                Overwrite=False,
                Tags=[{"Key": key, "Value": text} for key, text in sorted(tags.items())],
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TooManyUpdates":  # another write of this name is under way, and may yet fail
                return None
            if code == "ParameterAlreadyExists":
                return False
            raise
        return True

    return wait(probe, what=f"the parameter {name}", timeout=60)


def delete(ssm: "SSMClient", names: Iterable[str]) -> list[str]:
    """Delete parameters; give the names of those that existed."""
    deleted: list[str] = []
    for batch in _batches(names):
        deleted.extend(ssm.delete_parameters(Names=batch).get("DeletedParameters", []))
    return deleted


def _batches(names: Iterable[str]) -> list[list[str]]:
    all_names = list(names)
    return [all_names[i : i + _BATCH] for i in range(0, len(all_names), _BATCH)]
