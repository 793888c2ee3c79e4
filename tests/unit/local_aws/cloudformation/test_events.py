"""The events of a stack's resources, at the seam."""

from typing import Any

from local_aws.cloudformation.events import FailedAfterCreationError, ResourceEvents
from local_aws.emulator.cloudformation import Properties, ResourceOperation

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


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

    def before(self, kind: Any, properties: Properties, before: Properties | None = None) -> None:
        self.events.before(ResourceOperation(kind, RULE, "Rule", "a-stack", properties, before))


def test_a_resource_that_stays_the_same_has_no_events() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.before("update", {"A": 1}, {"A": 1})
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [] == stack.shown


def test_a_resource_that_changes_shows_that_it_is_at_work_before_it_is_done() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.before("update", {"A": 2}, {"A": 1})
    at_work = list(stack.shown)
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", "")] == at_work
    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown


def test_a_resource_that_stayed_the_same_once_is_shown_when_it_changes_later() -> None:
    stack = Recorded()
    for new in (1, 2):
        stack.add("UPDATE_IN_PROGRESS")
        stack.before("update", {"A": new}, {"A": 1})
        stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown


def test_a_resource_that_an_update_adds_is_shown() -> None:
    stack = Recorded()
    stack.add("UPDATE_IN_PROGRESS")
    stack.before("create", {"A": 1})

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
    stack.before("update", {"A": 1}, {"A": 1})
    stack.region = "eu-west-1"
    stack.add("UPDATE_COMPLETE", physical_id="rule-1")

    assert [("UPDATE_IN_PROGRESS", ""), ("UPDATE_COMPLETE", "rule-1")] == stack.shown
