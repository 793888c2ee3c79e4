"""The rolling deployment as a table: what there is, and what happens next."""

from dataclasses import replace

import pytest

from local_aws.ecs.services.rolling_decision import (
    Decision,
    ServiceView,
    TaskView,
    decide,
    restart_pause,
    threshold,
)

REASON = "Scaling activity initiated by (deployment new)"


def new(name: str, *, healthy: bool = False, fault: str = "") -> TaskView:
    return TaskView(name, "new", healthy, fault)


def old(name: str, *, healthy: bool = True) -> TaskView:
    return TaskView(name, "old", healthy)


def service(*tasks: TaskView) -> ServiceView:
    return ServiceView(desired=2, primary="new", tasks=tasks)


def stopped(decision: Decision) -> list[str]:
    return [task for task, _ in decision.stop]


def test_a_new_service_starts_all_its_tasks() -> None:
    assert Decision(start=2) == decide(service())


def test_a_service_whose_tasks_come_up_waits() -> None:
    assert Decision() == decide(service(new("a"), new("b", healthy=True)))


def test_a_service_with_all_tasks_healthy_is_steady() -> None:
    assert Decision(steady=True) == decide(service(new("a", healthy=True), new("b", healthy=True)))


def test_a_release_starts_the_new_tasks_beside_the_old() -> None:
    assert Decision(start=2) == decide(service(old("a"), old("b")))


def test_no_old_task_goes_before_a_new_one_is_healthy() -> None:
    assert Decision() == decide(service(old("a"), old("b"), new("c"), new("d")))


def test_each_healthy_new_task_lets_one_old_one_go() -> None:
    decision = decide(service(old("a"), old("b"), new("c", healthy=True), new("d")))

    assert Decision(stop=(("a", REASON),)) == decision


def test_a_release_is_not_steady_before_the_last_old_task_was_told_to_go() -> None:
    tasks = [old("a"), new("c", healthy=True), new("d", healthy=True)]

    assert not decide(service(*tasks)).steady
    assert ["a"] == stopped(decide(service(*tasks)))
    assert decide(service(*tasks[1:])).steady


def test_an_old_task_that_is_not_healthy_goes_first_and_at_once() -> None:
    assert ["b"] == stopped(decide(service(old("a"), old("b", healthy=False), new("c"), new("d"))))


def test_the_maximum_bounds_how_many_run_at_once() -> None:
    half = replace(service(old("a"), old("b")), maximum_percent=150)

    assert decide(half).start == 1


def test_a_lower_minimum_lets_old_tasks_go_first_where_there_is_no_room() -> None:
    view = replace(service(old("a"), old("b")), minimum_percent=50, maximum_percent=100)

    assert Decision(stop=(("a", REASON),)) == decide(view)
    assert decide(replace(view, tasks=[old("b")])).start == 1


def test_a_dead_task_is_replaced() -> None:
    assert decide(service(new("a", healthy=True))).start == 1


def test_a_faulty_task_is_stopped_and_replaced() -> None:
    decision = decide(service(new("a", healthy=True), new("b", fault="Task failed ELB health checks")))

    assert (("b", "Task failed ELB health checks"),) == decision.stop
    assert decision.start == 1
    assert not decision.steady


def test_scaling_in_stops_what_is_too_many() -> None:
    view = replace(service(new("a", healthy=True), new("b", healthy=True)), desired=1)

    assert ["a"] == stopped(decide(view))


def test_a_service_scaled_to_none_stops_everything() -> None:
    view = replace(service(new("a", healthy=True), new("b")), desired=0)

    assert {"a", "b"} == set(stopped(decide(view)))
    assert decide(replace(view, tasks=[])).steady


def test_the_third_failure_trips_the_circuit_breaker() -> None:
    assert not decide(replace(service(old("a"), old("b")), failed_tasks=2)).failed
    assert Decision(failed=True) == decide(replace(service(old("a"), old("b")), failed_tasks=3))


def test_without_a_circuit_breaker_it_goes_on_trying() -> None:
    view = replace(service(old("a"), old("b")), failed_tasks=30, breaker=False)

    assert Decision(start=2) == decide(view)


def test_a_failed_deployment_starts_nothing_and_leaves_the_old_tasks_alone() -> None:
    view = replace(service(old("a"), old("b")), failed_tasks=3, given_up=True)

    assert Decision() == decide(view)


def test_a_service_that_holds_back_starts_nothing_yet() -> None:
    assert decide(replace(service(), may_start=False)).start == 0


@pytest.mark.parametrize(
    ("desired", "failures"), [(1, 3), (2, 3), (6, 3), (7, 4), (25, 13), (400, 200), (1000, 200)]
)
def test_the_threshold_is_half_the_desired_count_within_3_and_200(desired: int, failures: int) -> None:
    assert failures == threshold(desired)


def test_pauses_between_starts_grow_to_fifteen_minutes() -> None:
    assert [0, 0, 0.5, 1, 2, 15] == [restart_pause(failed) for failed in (0, 2, 3, 4, 5, 50)]
