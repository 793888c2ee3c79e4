"""Calls that are throttled for long, and calls that are sent again after they have worked."""

import json
from collections.abc import Iterable
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ConnectionClosedError

from pipeline.aws import retries, service_deployment
from pipeline.aws.session import Access, Aws
from pipeline.cloudformation import change_set
from pipeline.cloudformation.change_set import Changes, StackSpec
from pipeline.cloudformation.deploy import Deployment, StackDeployer
from pipeline.graph import template
from tests.support.fakes import Time

LOCAL = Access("eu-west-1", "http://localhost:1", "test", "test")
ARN, STACK = (
    "arn:aws:cloudformation:eu-west-1:1:changeSet/slipway-1/1",
    "arn:aws:cloudformation:eu-west-1:1:stack/a/1",
)


class Answer(AWSResponse):  # type: ignore[misc]
    """What came over the wire, without one."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__("http://localhost:1", status, {}, None)
        self._content = body.encode()


def xml(operation: str, fields: str = "") -> Answer:
    result = f"<{operation}Result>{fields}</{operation}Result>"
    return Answer(200, f"<{operation}Response>{result}</{operation}Response>")


def xml_error(code: str, message: str = "no") -> Answer:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(400, f"<ErrorResponse>{error}</ErrorResponse>")


def json_error(code: str) -> Answer:
    return Answer(400, json.dumps({"__type": code, "message": "no"}))


THROTTLED = xml_error("Throttling", "Rate exceeded")
NO_STACKS = xml("DescribeStacks", "<Stacks/>")
TEMPLATE = template.parse("a", "infra/a.yaml", "Resources: {A: {Type: 'AWS::SNS::Topic'}}")
LOST = ConnectionClosedError(endpoint_url="http://localhost:1")
"""The call reaches AWS and works, and its answer does not come back."""


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The time on which botocore waits."""
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    time = Time()
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=time.sleep))
    monkeypatch.setattr(retries, "time", SimpleNamespace(monotonic=time.clock))
    return time


def client(service: Any, answers: Iterable[Answer | Exception], patience: float = 5400) -> tuple[Any, Aws]:
    """A client that gets these answers in turn."""
    aws, coming = Aws(LOCAL, patience), iter(answers)
    made = aws.client(service)

    def answer(**_: object) -> Answer:
        given = next(coming)
        if isinstance(given, Exception):
            raise given
        return given

    made.meta.events.register_last("before-send", answer)
    return made, aws


@pytest.mark.parametrize("attempts", [None, "1"])
def test_a_call_that_is_throttled_for_twenty_minutes_succeeds(
    attempts: str | None, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    if attempts is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    cloudformation, aws = client("cloudformation", chain(repeat(THROTTLED, 90), [NO_STACKS]))

    assert [] == cloudformation.describe_stacks()["Stacks"]
    assert 91 == aws.calls
    assert 30 * 60 > time.now > 10 * 60


def test_of_two_calls_that_are_throttled_half_of_the_time_neither_fails(time: Time) -> None:
    """botocore's own quota of retries is used up after fifty calls of this kind."""
    answers = [answer for _ in range(400) for answer in (*[THROTTLED] * 3, NO_STACKS)]
    cloudformation, _ = client("cloudformation", answers)

    for _ in range(400):
        cloudformation.describe_stacks()


def test_a_call_is_throttled_for_as_long_as_a_stack_may_take_and_then_fails(time: Time) -> None:
    cloudformation, _ = client("cloudformation", repeat(THROTTLED), patience=600)

    with pytest.raises(ClientError, match="Rate exceeded"):
        cloudformation.describe_stacks()
    assert 600 < time.now < 640


def test_throttling_is_told_in_one_line(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    answers = [*[THROTTLED] * 30, NO_STACKS, *[THROTTLED] * 30, NO_STACKS]
    cloudformation, _ = client("cloudformation", answers, patience=3600)

    cloudformation.describe_stacks()
    cloudformation.describe_stacks()

    told = "CloudFormation throttles this account (Rate exceeded): asking less often, and waiting for at most"
    assert [f"{told} 60 minutes"] == caplog.messages


def test_a_quota_is_not_waited_for(time: Time) -> None:
    cloudformation, aws = client("cloudformation", repeat(xml_error("LimitExceededException")))

    with pytest.raises(ClientError, match="LimitExceededException"):
        cloudformation.describe_stacks()
    assert 10 == aws.calls


def deployment(cloudformation: Any, time: Time) -> Deployment:
    deployer = StackDeployer(cloudformation, time.waiter, lambda _: None)
    return Deployment(deployer, "a", TEMPLATE, Changes(ARN, STACK, []), "updated", None)


def test_a_change_set_whose_execution_was_answered_into_the_void_is_being_executed(time: Time) -> None:
    stack = (
        f"<Stacks><member><StackName>a</StackName><StackId>{STACK}</StackId><StackStatus>UPDATE_COMPLETE</StackStatus>"
        "<CreationTime>2026-11-23T12:00:00Z</CreationTime></member></Stacks>"
    )
    no_events = xml("DescribeStackEvents", "<StackEvents/>")
    cloudformation, _ = client(
        "cloudformation",
        [no_events, LOST, xml_error("InvalidChangeSetStatus"), xml("DescribeStacks", stack), no_events],
    )

    with deployment(cloudformation, time) as begun:
        assert ["UPDATE_COMPLETE"] == [str(look.current.status) for look in begun.events() if look.current]


def test_a_change_set_that_cannot_be_executed_at_the_first_sending_is_an_error(time: Time) -> None:
    answers = [xml("DescribeStackEvents", "<StackEvents/>"), xml_error("InvalidChangeSetStatus")]
    cloudformation, _ = client("cloudformation", answers)

    with (
        deployment(cloudformation, time) as begun,
        pytest.raises(ClientError, match="InvalidChangeSetStatus"),
    ):
        list(begun.events())


def test_a_change_set_that_was_made_before_its_answer_was_lost_is_read_by_its_name(time: Time) -> None:
    ids = f"<ChangeSetId>{ARN}</ChangeSetId><StackId>{STACK}</StackId>"
    answer = xml("DescribeChangeSet", f"{ids}<Status>CREATE_COMPLETE</Status><Changes/>")
    cloudformation, _ = client("cloudformation", [LOST, xml_error("AlreadyExistsException"), answer, answer])
    made = change_set.create(cloudformation, StackSpec("a", TEMPLATE, {}, {}), time.wait, new=True)

    assert Changes(ARN, STACK, []) == made


@pytest.mark.parametrize("code", ["ClientException", "InvalidParameterException"])
def test_a_gate_whose_answer_got_there_twice_is_answered(code: str, time: Time) -> None:
    ecs, aws = client("ecs", [LOST, json_error(code)])
    rollout, hook = (SimpleNamespace(arn="arn:rollout"), SimpleNamespace(hook_id="gate"))

    service_deployment.answer(ecs, rollout, hook, "CONTINUE")  # type: ignore[arg-type]

    assert 2 == aws.calls


def test_a_rollout_that_was_stopped_before_the_answer_was_lost_is_stopped(time: Time) -> None:
    ecs, aws = client("ecs", [LOST, json_error("ConflictException")])

    service_deployment.roll_back(ecs, SimpleNamespace(arn="arn:rollout"))  # type: ignore[arg-type]

    assert 2 == aws.calls


def test_a_rollout_that_cannot_be_stopped_at_the_first_sending_is_an_error(time: Time) -> None:
    ecs, _ = client("ecs", [json_error("ConflictException")])

    with pytest.raises(ClientError, match="ConflictException"):
        service_deployment.roll_back(ecs, SimpleNamespace(arn="arn:rollout"))  # type: ignore[arg-type]
