"""Secrets are made once, at random, and never leave SSM."""

from typing import Any

import pytest

from pipeline import masking
from pipeline.aws import parameters
from pipeline.errors import WaitTimeoutError
from pipeline.graph import template
from tests.support.fakes import FakeSsm, Time, client_error

NAME = "/orders/dev/database/password"


VALUES = {"ServiceName": "orders", "EnvironmentName": "dev"}


@pytest.mark.parametrize(
    ("given", "name"),
    [("EnvironmentName: {Type: String}", NAME), ("ServiceName: {Type: String}", "/orders/database/password")],
)
def test_a_templates_own_secrets_lie_below_its_service_and_its_environment(given: str, name: str) -> None:
    body = (
        "Metadata: {Slipway: {Secrets: [database/password]}}\n"
        f"Parameters: {{{given}}}\nResources: {{A: {{Type: X}}}}"
    )

    assert [name] == list(template.parse("rds", "infra/rds.yaml", body).own_secrets(VALUES))


def test_a_missing_secret_is_made_strong_and_encrypted() -> None:
    ssm = FakeSsm()

    assert parameters.create(ssm, NAME, {"service": "orders"}, Time().wait)
    assert "SecureString" == ssm.values[NAME]["Type"]
    assert len(ssm.values[NAME]["Value"]) >= 32


def test_two_secrets_are_never_the_same() -> None:
    ssm = FakeSsm()
    parameters.create(ssm, "/a", {}, Time().wait)
    parameters.create(ssm, "/b", {}, Time().wait)

    assert ssm.values["/a"]["Value"] != ssm.values["/b"]["Value"]


def test_a_secret_that_somebody_made_meanwhile_stays_as_it_is() -> None:
    ssm = FakeSsm()
    parameters.create(ssm, NAME, {}, Time().wait)
    before = ssm.values[NAME]["Value"]

    assert not parameters.create(ssm, NAME, {}, Time().wait)
    assert before == ssm.values[NAME]["Value"]


class Busy(FakeSsm):
    """Refuses so many writes, because somebody else writes at the same moment."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        if self.refusals:
            self.refusals -= 1
            raise client_error("PutParameter", "TooManyUpdates", "There are concurrent updates")
        return super().put_parameter(**request)


def test_a_secret_that_somebody_writes_at_the_same_moment_is_asked_for_again() -> None:
    ssm = Busy(2)

    assert parameters.create(ssm, NAME, {}, Time().wait)
    assert [NAME] == list(ssm.values)


def test_a_secret_that_can_never_be_written_ends_in_time() -> None:
    with pytest.raises(WaitTimeoutError):
        parameters.create(Busy(1000), NAME, {}, Time().wait)


def test_more_than_ten_are_deleted_in_batches() -> None:
    ssm = FakeSsm()
    names = [f"/{i}" for i in range(23)]
    for name in names[:12]:
        parameters.create(ssm, name, {}, Time().wait)

    assert names[:12] == parameters.delete(ssm, names)
    assert {} == ssm.values


def test_the_test_traffics_secret_is_a_plain_parameter_that_a_listener_rule_can_resolve() -> None:
    body = (
        "Metadata: {Slipway: {Secrets: [test-traffic/secret]}}\n"
        "Resources: {A: {Type: X, Properties: {P: !Sub "
        "'{{resolve:ssm:/${ServiceName}/test-traffic/secret}}{{resolve:ssm:/${ServiceName}/host}}'}}}"
    )
    kinds = template.parse("app", "infra/app.yaml", body).own_secrets({"ServiceName": "orders"})
    ssm = FakeSsm()
    parameters.create(
        ssm, "/orders/test-traffic/secret", {}, Time().wait, kinds["/orders/test-traffic/secret"]
    )

    assert {"/orders/test-traffic/secret": "String"} == kinds
    assert "String" == ssm.values["/orders/test-traffic/secret"]["Type"]
    assert len(ssm.values["/orders/test-traffic/secret"]["Value"]) >= 32


def test_a_value_that_was_made_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_remembered", set())
    ssm = FakeSsm()
    parameters.create(ssm, "/orders/dev/password", {}, Time().wait)

    value = ssm.values["/orders/dev/password"]["Value"]
    assert "it is ***" == masking.masked(f"it is {value}", {})
