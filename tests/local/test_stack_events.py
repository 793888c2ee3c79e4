"""The events of a stack's resources, at the seam and on a running local AWS."""

from typing import Any

import pytest

from pipeline.local.stack_events import FailedAfterCreationError, ResourceEvents
from tests.local.conftest import Rehearsal

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TWO_PARAMETERS = """
Parameters: {Changing: {Type: String}}
Resources:
  Same: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: always}}
  Other: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Changing}}
"""


class Recorded:
    """Resource events over a stack that knows one resource."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.region = "eu-west-1"
        self.events = ResourceEvents(
            self._add, lambda _, logical_id: {"Rule": "rule-1"}[logical_id], lambda: self.region
        )

    def _add(self, *event: Any) -> None:
        self.shown.append((event[4], event[6]))

    def add(self, status: str, reason: str = "", physical_id: str = "") -> None:
        self.events.add("stack-id", "a-stack", "Rule", RULE, status, reason, physical_id)


def test_a_resource_that_stays_the_same_has_no_events() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.events.updating("a-stack", "Rule", {"A": 1}, {"A": 1})
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [] == stack.shown


def test_a_resource_that_changes_shows_that_it_is_at_work_before_it_is_done() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.events.updating("a-stack", "Rule", {"A": 1}, {"A": 2})
    at_work = list(stack.shown)
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", "")] == at_work
    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown


def test_a_resource_that_stayed_the_same_once_is_shown_when_it_changes_later() -> None:
    stack = Recorded()
    for new in (1, 2):
        stack.add("UPDATE_IN_PROGRESS")
        stack.events.updating("a-stack", "Rule", {"A": 1}, {"A": new})
        stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown


def test_a_resource_that_an_update_adds_is_shown() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.events.creating("a-stack", "Rule")

    assert [("UPDATE_IN_PROGRESS", "")] == stack.shown


def test_a_failed_update_names_the_resource_that_was_there_before() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.add("UPDATE_FAILED", "no")

    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_FAILED", "rule-1")] == stack.shown


def test_a_creation_that_failed_half_way_names_what_it_made() -> None:
    stack = Recorded()
    try:
        raise FailedAfterCreationError("no", "rule-2")
    except FailedAfterCreationError:
        stack.add("CREATE_FAILED", "no")

    assert [("CREATE_FAILED", "rule-2")] == stack.shown


def test_a_stack_of_the_same_name_in_another_region_has_its_own_events() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.region = "us-east-1"
    stack.events.updating("a-stack", "Rule", {"A": 1}, {"A": 1})
    stack.region = "eu-west-1"
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown


@pytest.mark.docker
def test_an_update_shows_only_what_it_changes(rehearsal: Rehearsal) -> None:
    rehearsal.deploy("two-parameters", TWO_PARAMETERS, Changing="before")
    rehearsal.deploy("two-parameters", TWO_PARAMETERS, Changing="after")

    events = rehearsal.client("cloudformation").describe_stack_events(StackName="two-parameters")[
        "StackEvents"
    ]
    shown = [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]
    update = shown[shown.index(("two-parameters", "UPDATE_IN_PROGRESS")) :]
    rehearsal.delete("two-parameters")

    assert [
        ("two-parameters", "UPDATE_IN_PROGRESS"),
        ("Other", "UPDATE_IN_PROGRESS"),
        ("Other", "UPDATE_COMPLETE"),
        ("two-parameters", "UPDATE_COMPLETE"),
    ] == update
