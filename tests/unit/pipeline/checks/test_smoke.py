"""Smoke tests say what they saw and what was expected; a version must settle before it counts."""

import json

import pytest
import requests

from pipeline.checks import smoke
from pipeline.errors import SmokeFailedError, UsageError
from tests.support.fakes import FakeHttp, Time

TARGET = smoke.Target("http://lb", probe="/orders", version="new", settle_seconds=10)


def answer(version: str = "new", status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, {"X-Service-Version": version}, json.dumps([]).encode()


@pytest.fixture
def http() -> FakeHttp:
    """A healthy service."""
    http = FakeHttp()
    http.answers = {"GET /orders": answer(), "DELETE /orders": (405, {}, b"")}
    return http


def run(http: FakeHttp, target: smoke.Target = TARGET) -> dict[str, tuple[bool, str]]:
    time = Time()
    checks = smoke.generic_checks(target, time.waiter)
    outcomes = smoke.run(checks, http, lambda _: None, clock=time.clock)
    return {o.name: (o.passed, o.detail) for o in outcomes}


def test_a_healthy_service_passes_every_check(http: FakeHttp) -> None:
    assert {
        "the service answers": (True, "200 reason"),
        "version new serves": (True, "5 answers in a row"),
        "DELETE is refused with 405": (True, "405"),
        "the actuator is not reachable from outside": (True, "404"),
    } == run(http)


def test_the_expected_version_is_waited_for(http: FakeHttp) -> None:
    http.answers["GET /orders"] = [answer("old"), answer("new"), answer("old"), answer("new")]

    assert (True, "5 answers in a row") == run(http)["version new serves"]
    assert 1 + 2 + 5 == http.asked.count("GET /orders")


def test_a_version_that_does_not_settle_fails_with_what_was_seen(http: FakeHttp) -> None:
    http.answers["GET /orders"] = answer("old")

    assert (False, "X-Service-Version is 'old'; 'new' was expected") == run(http)["version new serves"]


def test_without_an_expected_version_any_will_do(http: FakeHttp) -> None:
    http.answers["GET /orders"] = answer("whatever")

    assert all(passed for passed, _ in run(http, smoke.Target("http://lb", probe="/orders")).values())


def test_a_service_that_comes_up_late_is_waited_for(http: FakeHttp) -> None:
    http.answers["GET /orders"] = [requests.ConnectionError("refused"), answer(status=503), answer()]

    assert (True, "200 reason") == run(http)["the service answers"]


def test_a_service_that_does_not_answer_fails_and_nothing_more_is_tried(http: FakeHttp) -> None:
    http.answers["GET /orders"] = answer(status=503)

    assert {"the service answers": (False, "GET /orders: 503 reason; 200 was expected")} == run(http)


def test_a_method_that_gets_through_fails(http: FakeHttp) -> None:
    http.answers["DELETE /orders"] = (204, {}, b"")

    assert (False, "DELETE /orders: 204; 405 was expected") == run(http)["DELETE is refused with 405"]


def test_an_actuator_that_answers_outside_fails(http: FakeHttp) -> None:
    http.answers["GET /actuator/prometheus"] = (200, {}, b"")

    name = "the actuator is not reachable from outside"
    assert (False, "GET /actuator/prometheus: 200; 404 was expected") == run(http)[name]


def test_a_broken_connection_is_a_failed_check_and_the_next_one_runs(http: FakeHttp) -> None:
    http.answers["DELETE /orders"] = requests.ConnectionError("reset")

    outcomes = run(http)

    assert (False, "no answer: reset") == outcomes["DELETE is refused with 405"]
    assert outcomes["the actuator is not reachable from outside"][0]


def test_failed_checks_are_an_error_with_each_of_them() -> None:
    outcomes = [
        smoke.Outcome("a", passed=True, seconds=0.1, detail=""),
        smoke.Outcome("b", passed=False, seconds=0.1, detail="saw x"),
    ]

    failure = smoke.failure_of(outcomes, "http://lb", "dev")

    assert isinstance(failure, SmokeFailedError)
    assert "1 smoke test failed at http://lb" == failure.what
    assert "see what the service says: python -m pipeline logs dev" == failure.next_step
    assert ("b: saw x",) == failure.details
    assert smoke.failure_of(outcomes[:1], "http://lb", "dev") is None


def test_the_forbidden_method_is_one_the_listener_does_not_allow() -> None:
    assert "DELETE" == smoke.forbidden_method("GET,HEAD,POST")
    assert "PUT" == smoke.forbidden_method("GET, delete")
    with pytest.raises(UsageError):
        smoke.forbidden_method("DELETE,PUT,PATCH,OPTIONS")
