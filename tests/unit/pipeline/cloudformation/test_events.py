"""Stack events as botocore itself pages through them: no page is asked for that holds nothing new."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pipeline.cloudformation.events import EventStream
from tests.support.fakes import START

STACK = "arn:stack/orders"


class Pages:
    """A client of CloudFormation that takes the calls it is told to expect and no other."""

    def __init__(self) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.client = boto3.client("cloudformation", region_name="eu-west-1", **keys)
        self.stubber = Stubber(self.client)
        self.stubber.activate()

    def expect(self, *numbers: int, asked: dict[str, str], more: str | None = None) -> None:
        events = [
            {"EventId": str(n), "StackId": STACK, "StackName": "orders", "Timestamp": START} for n in numbers
        ]
        answer: dict[str, Any] = {"StackEvents": events, **({"NextToken": more} if more else {})}
        self.stubber.add_response("describe_stack_events", answer, {"StackName": STACK, **asked})


@pytest.fixture
def pages() -> Pages:
    return Pages()


def test_the_newest_page_is_all_that_is_read_of_an_earlier_run(pages: Pages) -> None:
    pages.expect(3, 2, asked={}, more="older")
    stream = EventStream.from_now(pages.client, STACK)

    pages.expect(5, 4, asked={}, more="a")
    pages.expect(3, 2, asked={"NextToken": "a"}, more="b")

    assert ["4", "5"] == [event.event_id for event in stream.new()]
    pages.stubber.assert_no_pending_responses()


def test_a_stack_that_went_meanwhile_has_no_more_events(pages: Pages) -> None:
    pages.expect(1, asked={}, more="older")
    pages.stubber.add_client_error(
        "describe_stack_events", "ValidationError", f"Stack [{STACK}] does not exist"
    )
    stream = EventStream(pages.client, STACK)

    assert ["1"] == [event.event_id for event in stream.new()]
    assert ["1"] == [event.event_id for event in stream.seen]
