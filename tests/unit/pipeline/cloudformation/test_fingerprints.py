"""An unchanged stack is recognised by what was asked and by AWS's own time of the last update."""

import dataclasses
from typing import Any

import pytest

from pipeline.cloudformation import fingerprints
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.cloudformation.stacks import StackDescription
from pipeline.cloudformation.status import StackStatus
from pipeline.graph import template
from tests.support.fakes import FakeSsm, client_error

TEMPLATE = template.parse("app", "infra/app.yaml", "Resources: {A: {Type: X}}")
WANTED = StackSpec("orders-dev-app", TEMPLATE, {"P": "1"}, {"service": "orders"})
LIVE = StackDescription(
    "orders-dev-app", "arn/1", StackStatus("CREATE_COMPLETE"), "", {}, {}, {}, "2026-11-23 12:00"
)
NAME = fingerprints.parameter_name("orders", "dev")


@pytest.fixture
def ssm() -> FakeSsm:
    """An environment in which WANTED was deployed."""
    ssm = FakeSsm()
    fingerprints = DeployedFingerprints(ssm, NAME)
    fingerprints.record(WANTED, LIVE)
    fingerprints.save(print)
    return ssm


def test_what_was_deployed_is_unchanged_at_the_next_run(ssm: FakeSsm) -> None:
    assert DeployedFingerprints(ssm, NAME).is_unchanged(WANTED, LIVE)


def test_without_a_fingerprint_nothing_counts_as_unchanged() -> None:
    assert not DeployedFingerprints(FakeSsm(), NAME).is_unchanged(WANTED, LIVE)


@pytest.mark.parametrize(
    "edited",
    [
        dataclasses.replace(WANTED, parameters={"P": "2"}),
        dataclasses.replace(WANTED, tags={}),
        dataclasses.replace(WANTED, template=template.parse("app", "x", TEMPLATE.body + "\n")),
    ],
)
def test_another_template_parameter_or_tag_is_a_change(ssm: FakeSsm, edited: StackSpec) -> None:
    assert not DeployedFingerprints(ssm, NAME).is_unchanged(edited, LIVE)


@pytest.mark.parametrize(
    "touched",
    [
        dataclasses.replace(LIVE, changed_at="2026-11-23 12:05"),
        dataclasses.replace(LIVE, stack_id="arn/2"),
        dataclasses.replace(LIVE, status=StackStatus("UPDATE_IN_PROGRESS")),
        dataclasses.replace(LIVE, status=StackStatus("UPDATE_ROLLBACK_FAILED")),
    ],
)
def test_an_update_by_anybody_else_is_seen(ssm: FakeSsm, touched: StackDescription) -> None:
    assert not DeployedFingerprints(ssm, NAME).is_unchanged(WANTED, touched)


def test_nothing_new_writes_nothing(ssm: FakeSsm) -> None:
    before = dict(ssm.values[NAME])
    ssm.values[NAME]["Marked"] = True
    fingerprints = DeployedFingerprints(ssm, NAME)
    fingerprints.record(WANTED, LIVE)
    fingerprints.save(print)

    assert {**before, "Marked": True} == ssm.values[NAME]


def test_a_value_that_does_not_parse_is_forgotten(ssm: FakeSsm) -> None:
    ssm.values[NAME]["Value"] = "{"

    assert not DeployedFingerprints(ssm, NAME).is_unchanged(WANTED, LIVE)


def test_what_can_not_be_written_fails_nothing_and_is_told() -> None:
    class Denied(FakeSsm):
        def put_parameter(self, **_: Any) -> dict[str, Any]:
            raise client_error("PutParameter", "ExpiredTokenException", "The security token has expired")

    said: list[str] = []
    fingerprints = DeployedFingerprints(Denied(), NAME)
    fingerprints.record(WANTED, LIVE)
    fingerprints.save(said.append)

    assert 1 == len(said)
    assert "The security token has expired" in said[0]
