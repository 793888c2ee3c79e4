"""What a health check makes of a target."""

import pytest

from local_aws.elb.target_health import DRAINING, Health, HealthCheck, Outcome, after, health_check_of, pause

CHECK = HealthCheck(interval=10, healthy_threshold=3, unhealthy_threshold=2)
GOOD = Outcome()
BAD = Outcome("Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")


def checked(health: Health, *outcomes: Outcome, every: float = 10.0) -> Health:
    for number, outcome in enumerate(outcomes):
        health = after(health, outcome, CHECK, number * every)
    return health


def test_a_new_target_is_healthy_after_one_success() -> None:
    assert checked(Health(), GOOD).state == "healthy"


def test_a_new_target_says_that_it_is_being_checked() -> None:
    assert ("initial", "Elb.RegistrationInProgress") == (Health().state, Health().reason)
    assert ("initial", "Elb.InitialHealthChecking") == (
        checked(Health(), BAD).state,
        checked(Health(), BAD).reason,
    )


def test_a_new_target_is_unhealthy_after_the_threshold_of_failures() -> None:
    health = checked(Health(), BAD, BAD)

    assert ("unhealthy", "Target.ResponseCodeMismatch", BAD.description) == (
        health.state,
        health.reason,
        health.description,
    )


def test_a_new_target_is_asked_every_half_second_but_its_failures_count_once_per_interval() -> None:
    assert pause(Health(), CHECK) == 0.5
    assert checked(Health(), *[BAD] * 9, every=1.0).state == "initial"
    assert checked(Health(), *[BAD] * 11, every=1.0).state == "unhealthy"


def test_a_healthy_target_survives_one_failure_but_not_two() -> None:
    healthy = checked(Health(), GOOD)

    assert checked(healthy, BAD).state == "healthy"
    assert checked(healthy, BAD, GOOD, BAD).state == "healthy"
    assert checked(healthy, BAD, BAD).state == "unhealthy"
    assert pause(healthy, CHECK) == 10


def test_an_unhealthy_target_must_succeed_as_often_as_the_threshold_says() -> None:
    unhealthy = checked(Health(), BAD, BAD)

    assert checked(unhealthy, GOOD, GOOD).state == "unhealthy"
    assert checked(unhealthy, GOOD, GOOD, BAD, GOOD).state == "unhealthy"
    assert checked(unhealthy, GOOD, GOOD, GOOD).state == "healthy"


def test_a_draining_target_stays_draining() -> None:
    assert DRAINING is after(DRAINING, GOOD, CHECK, 0)


@pytest.mark.parametrize(
    ("matcher", "status", "accepted"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,302", 302, True),
        ("200-299", 250, True),
        ("200-299", 300, False),
    ],
)
def test_the_matcher_says_which_codes_are_a_success(matcher: str, status: int, accepted: bool) -> None:
    assert accepted == HealthCheck(matcher=matcher).accepts(status)


def test_a_target_group_record_becomes_a_health_check() -> None:
    record = {
        "HealthCheckPort": "8081",
        "HealthCheckPath": "/ready",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 4,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        "HealthCheckEnabled": True,
        "Matcher": {"HttpCode": "200"},
    }

    assert HealthCheck("/ready", 8081, "200", 5, 4, 2, 3) == health_check_of(record)
    assert health_check_of(record | {"HealthCheckPort": "traffic-port"}).port is None
