"""Secrets are made once, at random, and never leave SSM."""

from typing import Any

import pytest

from pipeline import masking
from pipeline.cloudformation import secrets
from pipeline.errors import TemplateError, WaitTimeoutError
from pipeline.graph import template
from tests.support.fakes import FakeSsm, Time, client_error

NAME = "/orders/dev/database/password"


def referring(name: str) -> template.Template:
    body = f"Resources: {{A: {{Type: X, Properties: {{P: !Sub '{{{{resolve:ssm-secure:{name}}}}}'}}}}}}"
    return template.parse("rds", "infra/rds.yaml", body)


def test_the_names_a_template_resolves_are_filled_from_its_parameters() -> None:
    values = {"ServiceName": "orders", "EnvironmentName": "dev"}

    assert [NAME] == secrets.names_in(
        referring("/${ServiceName}/${EnvironmentName}/database/password"), values
    )


def test_a_name_that_is_not_known_before_the_deploy_is_refused() -> None:
    with pytest.raises(TemplateError) as refused:
        secrets.names_in(referring("/${VpcId}/password"), {})

    assert "infra/rds.yaml: the secret's name holds ${VpcId}" == refused.value.what


def test_a_missing_secret_is_made_strong_and_encrypted() -> None:
    ssm = FakeSsm()

    assert [NAME] == secrets.missing(ssm, [NAME])
    assert secrets.create(ssm, NAME, {"service": "orders"}, Time().wait)
    assert "SecureString" == ssm.values[NAME]["Type"]
    assert len(ssm.values[NAME]["Value"]) >= 32
    assert [] == secrets.missing(ssm, [NAME])


def test_two_secrets_are_never_the_same() -> None:
    ssm = FakeSsm()
    secrets.create(ssm, "/a", {}, Time().wait)
    secrets.create(ssm, "/b", {}, Time().wait)

    assert ssm.values["/a"]["Value"] != ssm.values["/b"]["Value"]


def test_a_secret_that_somebody_made_meanwhile_stays_as_it_is() -> None:
    ssm = FakeSsm()
    secrets.create(ssm, NAME, {}, Time().wait)
    before = ssm.values[NAME]["Value"]

    assert not secrets.create(ssm, NAME, {}, Time().wait)
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

    assert secrets.create(ssm, NAME, {}, Time().wait)
    assert [NAME] == list(ssm.values)


def test_a_secret_that_can_never_be_written_ends_in_time() -> None:
    with pytest.raises(WaitTimeoutError):
        secrets.create(Busy(1000), NAME, {}, Time().wait)


def test_more_than_ten_are_asked_for_and_deleted_in_batches() -> None:
    ssm = FakeSsm()
    names = [f"/{i}" for i in range(23)]
    for name in names[:12]:
        secrets.create(ssm, name, {}, Time().wait)

    assert names[12:] == secrets.missing(ssm, names)
    assert names[:12] == secrets.delete(ssm, names)
    assert {} == ssm.values


def test_the_test_traffics_secret_is_a_plain_parameter_that_a_listener_rule_can_resolve() -> None:
    body = (
        "Resources: {A: {Type: X, Properties: {P: !Sub "
        "'{{resolve:ssm:/${ServiceName}/test-traffic/secret}}{{resolve:ssm:/${ServiceName}/host}}'}}}"
    )
    kinds = secrets.kinds_in(template.parse("app", "infra/app.yaml", body), {"ServiceName": "orders"})
    ssm = FakeSsm()
    secrets.create(ssm, "/orders/test-traffic/secret", {}, Time().wait, kinds["/orders/test-traffic/secret"])

    assert {"/orders/test-traffic/secret": "String"} == kinds
    assert "String" == ssm.values["/orders/test-traffic/secret"]["Type"]
    assert len(ssm.values["/orders/test-traffic/secret"]["Value"]) >= 32


def test_a_value_that_was_made_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_remembered", set())
    ssm = FakeSsm()
    secrets.create(ssm, "/orders/dev/password", {}, Time().wait)

    value = ssm.values["/orders/dev/password"]["Value"]
    assert "it is ***" == masking.masked(f"it is {value}", {})
