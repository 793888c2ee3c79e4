"""What CloudFormation's validation found is told with resource, line and reason."""

from typing import Any

import pytest

from pipeline.cloudformation import change_set, early_validation
from pipeline.errors import StackFailedError
from pipeline.graph import template
from tests.support.fakes import FakeCloudFormation, Paginates, Time, client_error

ARN = "arn:changeset/slipway-1"
REASON = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot "
    "Early Validation errors, use the DescribeEvents API for detailed failure information."
)
TEMPLATE = template.parse("app", "infra/app.yaml", "Resources:\n  Logs: {Type: 'AWS::Logs::LogGroup'}\n")


def event(number: int, logical_id: str, reason: str, **more: Any) -> dict[str, Any]:
    return {
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::Logs::LogGroup",
        "ValidationFailureMode": "FAIL",
        "ValidationStatusReason": reason,
        "Timestamp": f"2026-11-23T12:00:0{number}Z",
        **more,
    }


class Events(Paginates):
    """A page for each event."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = events
        self.asked: list[dict[str, Any]] = []

    def describe_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        page = int(request.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.events) else {}
        return {"OperationEvents": list(self.events[page : page + 1]), **more}


def failure(events: Events, reason: str = REASON) -> StackFailedError:
    return early_validation.failure(events, "orders-dev-app", ARN, reason, TEMPLATE.where)


def test_the_first_finding_is_the_cause_at_its_line_and_the_others_stand_beside_it() -> None:
    told = failure(
        Events(
            event(2, "Else", "it exists already"),
            event(1, "Logs", "no such property", ValidationPath="/Resources/Logs/Properties"),
        )
    )

    assert (
        "Logs (AWS::Logs::LogGroup): no such property (at /Resources/Logs/Properties) [infra/app.yaml:2]"
        == told.why
    )
    assert "infra/app.yaml:2" == told.where
    assert (("infra/app.yaml", "Else (AWS::Logs::LogGroup): it exists already"),) == told.also
    assert (REASON,) == told.details


def test_what_is_only_a_warning_is_no_cause() -> None:
    told = failure(
        Events(event(1, "Logs", "not empty", ValidationFailureMode="WARN"), event(2, "Logs", "taken"))
    )

    assert told.why.startswith("Logs (AWS::Logs::LogGroup): taken")
    assert () == told.also


def test_a_reason_that_says_all_is_not_asked_about() -> None:
    events = Events()

    assert "Parameter validation failed" == failure(events, "Parameter validation failed").why
    assert [] == events.asked


def test_where_nothing_was_found_awss_words_are_the_cause() -> None:
    assert REASON == failure(Events({})).why


class Denied(FakeCloudFormation):
    def describe_events(self, **_: Any) -> dict[str, Any]:
        raise client_error(
            "DescribeEvents", "AccessDenied", "not authorized to perform: cloudformation:DescribeEvents"
        )


def test_who_may_not_read_the_events_is_given_the_command_and_the_change_set_stays() -> None:
    cloudformation = Denied()
    cloudformation.refusal = REASON
    spec = change_set.StackSpec("orders-dev-app", TEMPLATE, {}, {})

    with pytest.raises(StackFailedError) as failed:
        change_set.create(cloudformation, spec, Time().wait, new=True)

    assert (
        "aws cloudformation describe-events --change-set-name "
        "arn:aws:cloudformation:eu-west-1:000000000000:changeSet/slipway-" in failed.value.next_step
    )
    assert failed.value.next_step.endswith(" --region eu-west-1")
    assert "delete_change_set" not in cloudformation.log


def test_a_change_set_whose_findings_were_read_is_taken_away() -> None:
    cloudformation = FakeCloudFormation()
    cloudformation.refusal = REASON
    cloudformation.findings = [event(1, "Logs", "it exists already")]
    spec = change_set.StackSpec("orders-dev-app", TEMPLATE, {}, {})

    with pytest.raises(StackFailedError, match=r"Logs .* it exists already"):
        change_set.create(cloudformation, spec, Time().wait, new=True)

    assert "delete_change_set" in cloudformation.log
