"""Secrets of a container definition, from SSM Parameter Store and from Secrets Manager."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.ecs.tasks.secrets import (
    SecretError,
    SecretReference,
    SecretStores,
    as_printed,
    from_secrets_manager,
    parameter_name,
    secret_environment,
)

PLACE = "eu-west-1:000000000000"
ARN = f"arn:aws:ssm:{PLACE}:parameter/orders/dev/database/host"
STORE = {"/orders/dev/database/host": "db.local", "plain": "p"}
SECRET = f"arn:aws:secretsmanager:{PLACE}:secret:orders/dev/api-AbCdEf"
FIELDS = '{"user": "ann", "port": 5432, "tls": true}'
VERSION = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"
VALUES = {"AWSCURRENT": FIELDS, "AWSPREVIOUS": "old", VERSION: "of that version"}
FAILED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: "
    "execution resource retrieval failed: "
)


class SecretsManager:
    """One secret with a current version, the one before it, and what is asked of it."""

    def __init__(self, arn: str = SECRET) -> None:
        self.arn = arn
        self.asked: list[dict[str, str]] = []

    def get_secret_value(self, **asked: str) -> dict[str, str]:
        self.asked.append(asked)
        chosen = asked.get("VersionId") or asked.get("VersionStage") or "AWSCURRENT"
        if chosen not in VALUES:
            problem = {
                "Code": "ResourceNotFoundException",
                "Message": "can't find the specified secret value.",
            }
            raise ClientError({"Error": problem}, "GetSecretValue")
        return {"ARN": self.arn, "SecretString": VALUES[chosen]}


def stores(manager: Any = None, denied: str = "") -> SecretStores:
    """denied: the action that the execution role may not do."""
    return SecretStores(
        parameters=lambda names: {name: STORE[name] for name in names if name in STORE},
        secret=from_secrets_manager(lambda _: manager or SecretsManager()),
        denial=lambda action, resource: f"no {action} on {resource}" if action == denied else "",
    )


def value(value_from: str, using: SecretStores | None = None) -> str:
    definition: Any = {"secrets": [{"name": "X", "valueFrom": value_from}]}
    return secret_environment(definition, using or stores(), PLACE)["X"]


def test_an_arn_and_a_name_lead_to_the_same_parameter() -> None:
    assert parameter_name(ARN) == "/orders/dev/database/host"
    assert parameter_name(f"arn:aws:ssm:{PLACE}:parameter/plain") == "plain"
    assert parameter_name("/orders/dev") == "/orders/dev"


def test_secrets_become_environment_variables() -> None:
    definition: Any = {"secrets": [{"name": "HOST", "valueFrom": ARN}, {"name": "P", "valueFrom": SECRET}]}

    assert {"HOST": "db.local", "P": FIELDS} == secret_environment(definition, stores(), PLACE)


def test_a_missing_secret_is_named_in_the_words_of_ecs() -> None:
    with pytest.raises(
        SecretError, match=r"^ResourceInitializationError: .*invalid ssm parameters: /absent$"
    ):
        value("/absent")


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("", FIELDS),
        (":user::", "ann"),
        (":port::", "5432"),
        (":tls::", "true"),
        ("::AWSPREVIOUS:", "old"),
        (f":::{VERSION}", "of that version"),
        (":::", FIELDS),
        (":user:AWSCURRENT:", "ann"),
    ],
)
def test_a_secret_is_read_whole_by_key_by_stage_and_by_version(suffix: str, expected: str) -> None:
    assert expected == value(SECRET + suffix)


def test_secrets_manager_is_asked_for_the_stage_and_the_version_that_are_given_in_the_region_of_the_arn() -> (
    None
):
    manager, regions = SecretsManager(), []
    read = from_secrets_manager(lambda region: regions.append(region) or manager)
    elsewhere = SECRET.replace("eu-west-1", "us-east-1")
    manager.arn = elsewhere

    read(SecretReference(elsewhere))
    read(SecretReference(elsewhere, "user", "AWSPREVIOUS", ""))

    assert ["us-east-1"] * 2 == regions
    assert [{"SecretId": elsewhere}, {"SecretId": elsewhere, "VersionStage": "AWSPREVIOUS"}] == manager.asked


@pytest.mark.parametrize(
    ("value_from", "words"),
    [
        (f"{SECRET}:absent::", "retrieved secret from Secrets Manager did not contain json key absent"),
        (f"{SECRET}:user:AWSPREVIOUS:", "invalid character"),
        (f"{SECRET}::staging:", "ResourceNotFoundException: can't find the specified secret value."),
        (f"{SECRET}:user", "unexpected ARN format with parameters when trying to retrieve ASM secret"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told_in_the_words_of_ecs_without_its_value(
    value_from: str, words: str
) -> None:
    with pytest.raises(SecretError) as told:
        value(value_from)

    assert str(told.value).startswith(f"{FAILED}unable to retrieve secret from asm: ")
    assert words in str(told.value)
    assert not re.search("ann|5432|old", str(told.value))


def test_an_arn_that_is_the_beginning_of_another_secrets_arn_names_no_secret() -> None:
    manager = SecretsManager(f"{SECRET[:-7]}-key-XyZxyz")

    with pytest.raises(SecretError, match="Secrets Manager can't find the specified secret"):
        value(SECRET[:-7], stores(manager))
    assert FIELDS == value(SECRET[:-7])


def test_a_secret_of_bytes_is_refused() -> None:
    manager = SimpleNamespace(get_secret_value=lambda **_: {"ARN": SECRET, "SecretBinary": b"1"})

    with pytest.raises(SecretError, match="text only"):
        value(SECRET, stores(manager))


@pytest.mark.parametrize(
    ("value_from", "action", "resource"),
    [
        (ARN, "ssm:GetParameters", ARN),
        ("/orders/dev/database/host", "ssm:GetParameters", ARN),
        (f"{SECRET}:user::", "secretsmanager:GetSecretValue", SECRET),
    ],
)
def test_a_secret_that_the_execution_role_may_not_read_is_not_read(
    value_from: str, action: str, resource: str
) -> None:
    manager = SecretsManager()

    with pytest.raises(
        SecretError, match=rf"AccessDeniedException: no {action} on {resource} status code: 400"
    ):
        value(value_from, stores(manager, denied=action))
    assert [] == manager.asked


def test_numbers_are_printed_as_the_agent_prints_them() -> None:
    values = (0, 5432, 1_000_000, 123456789012, 1.5, -3, None, {"b": [1, True], "a": "x"})

    assert ["0", "5432", "1e+06", "1.23456789012e+11", "1.5", "-3", "<nil>", "map[a:x b:[1 true]]"] == [
        as_printed(one) for one in values
    ]
