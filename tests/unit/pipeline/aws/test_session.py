"""The account guard, the retries and the count of calls."""

import pytest
from botocore.stub import Stubber

from pipeline.aws import session as aws
from pipeline.aws.session import Access, Aws
from pipeline.config.environment import Environment
from pipeline.errors import EnvironmentFileError, UsageError, WrongAccountError

DEV = Environment(name="dev", target="aws", account="123456789012", region="eu-west-1")
LOCAL = Access("eu-west-1", "http://localhost:1", "test", "test")


def test_only_the_environments_own_account_is_let_through() -> None:
    aws.guard_account({"Account": "123456789012"}, DEV)

    with pytest.raises(WrongAccountError) as refused:
        aws.guard_account({"Account": "999999999999"}, DEV)
    assert "infra/environments/dev.yaml allows 123456789012 only" == refused.value.why


def test_a_client_is_made_once() -> None:
    session = Aws(LOCAL)

    assert session.client("sts") is session.client("sts")


def test_what_is_sent_is_counted_and_what_is_stubbed_is_not_sent() -> None:
    session = Aws(LOCAL)
    with Stubber(session.client("sts")) as stub:
        stub.add_response("get_caller_identity", {"Account": "1"})
        session.client("sts").get_caller_identity()

    before = session.calls
    session.client("sts").meta.events.emit("before-send.sts.GetCallerIdentity")
    assert 0 == before
    assert 1 == session.calls


def test_throttling_is_tried_again_for_long_and_the_first_call_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    session = Aws(LOCAL)

    assert 10 == session.client("cloudformation").meta.config.retries["total_max_attempts"]
    assert "standard" == session.client("cloudformation").meta.config.retries["mode"]
    assert 3 == session.client("sts").meta.config.retries["total_max_attempts"]


@pytest.mark.parametrize(("named", "attempts"), [("1", 10), ("25", 25), ("", 10)])
def test_more_attempts_may_be_asked_for_and_fewer_may_not(
    named: str, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", named)

    assert attempts == Aws(LOCAL).client("ecr").meta.config.retries["total_max_attempts"]


def test_a_number_of_attempts_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "ten")

    with pytest.raises(UsageError, match="AWS_MAX_ATTEMPTS is not a number: it is 'ten'"):
        Aws(LOCAL).client("ecr")


def test_an_address_without_its_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")

    with pytest.raises(UsageError, match="Invalid endpoint: localhost:4566"):
        Aws(Access("eu-west-1")).client("sts")


def test_a_region_without_ecs_is_refused_with_a_guess() -> None:
    Aws(LOCAL).must_know_region(DEV)

    with pytest.raises(EnvironmentFileError) as refused:
        Aws(Access("eu-wset-1")).must_know_region(DEV)
    assert 'did you mean "eu-west-1"?' in refused.value.what


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [
        (None, False),
        ("http://localhost:4566", True),
        ("http://127.0.0.1:4566", True),
        ("http://[::1]:4566", True),
        ("http://ecr.localhost:4566", True),
        ("http://10.0.0.7:4566", False),
        ("https://localhost.example.org", False),
    ],
)
def test_a_rehearsal_is_told_from_aws_by_the_endpoint_that_is_in_use(
    endpoint: str | None, here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if endpoint is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    assert here == Aws(Access("eu-west-1")).on_this_machine
