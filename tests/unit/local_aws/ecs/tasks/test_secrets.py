"""Secrets of a container definition."""

import pytest

from local_aws.ecs.tasks.secrets import SecretError, parameter_name, secret_environment

ARN = "arn:aws:ssm:eu-west-1:000000000000:parameter/orders/dev/database/host"
STORE = {"/orders/dev/database/host": "db.local", "plain": "p"}


def stored(names: list[str]) -> dict[str, str]:
    return {name: STORE[name] for name in names if name in STORE}


def test_an_arn_and_a_name_lead_to_the_same_parameter() -> None:
    assert parameter_name(ARN) == "/orders/dev/database/host"
    assert parameter_name("arn:aws:ssm:eu-west-1:000000000000:parameter/plain") == "plain"
    assert parameter_name("/orders/dev") == "/orders/dev"


def test_secrets_become_environment_variables() -> None:
    definition = {"secrets": [{"name": "HOST", "valueFrom": ARN}, {"name": "P", "valueFrom": "plain"}]}

    assert {"HOST": "db.local", "P": "p"} == secret_environment(definition, stored)


def test_a_missing_secret_is_named_in_the_words_of_ecs() -> None:
    definition = {"secrets": [{"name": "X", "valueFrom": "/absent"}]}

    with pytest.raises(
        SecretError, match=r"^ResourceInitializationError: .*invalid ssm parameters: /absent$"
    ):
        secret_environment(definition, stored)
