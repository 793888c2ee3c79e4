"""Registration, round robin, draining."""

from local_aws.elb.target_groups import TargetGroups
from local_aws.elb.target_health import HEALTHY, Health

GROUP = "arn:targetgroup/blue"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def group_of(*addresses: str, healthy: bool = True) -> tuple[TargetGroups, Clock]:
    clock = Clock()
    groups = TargetGroups(clock)
    for address in addresses:
        groups.register(GROUP, address, 8080)
    for target in groups.targets(GROUP):
        if healthy:
            groups.update(target, lambda _: HEALTHY)
    return groups, clock


def taken(groups: TargetGroups, times: int) -> list[str]:
    found = []
    for _ in range(times):
        target = groups.take(GROUP)
        assert target is not None
        groups.done(target)
        found.append(target.id)
    return found


def test_healthy_targets_take_turns() -> None:
    groups, _ = group_of("a", "b")

    assert ["a", "b", "a", "b"] == taken(groups, 4)


def test_an_unhealthy_target_gets_nothing_while_another_is_healthy() -> None:
    groups, _ = group_of("a", "b")
    groups.update(groups.targets(GROUP)[0], lambda _: Health("unhealthy", "Target.Timeout"))

    assert ["b", "b"] == taken(groups, 2)


def test_when_none_is_healthy_all_get_requests() -> None:
    groups, _ = group_of("a", "b", healthy=False)

    assert {"a", "b"} == set(taken(groups, 2))


def test_a_group_without_targets_gives_none() -> None:
    groups, _ = group_of()

    assert groups.take(GROUP) is None


def test_a_draining_target_gets_no_new_request() -> None:
    groups, _ = group_of("a", "b")
    groups.deregister(GROUP, "a", 8080, delay=20)

    assert ["b", "b"] == taken(groups, 2)
    assert groups.health(GROUP, "a", 8080).state == "draining"


def test_a_target_has_drained_once_its_requests_are_done() -> None:
    groups, _ = group_of("a")
    target = groups.take(GROUP)
    assert target is not None
    groups.deregister(GROUP, "a", 8080, delay=20)

    assert not groups.is_drained(GROUP, "a", 8080)

    groups.done(target)

    assert groups.is_drained(GROUP, "a", 8080)


def test_draining_ends_with_the_deregistration_delay_whatever_is_in_flight() -> None:
    groups, clock = group_of("a")
    groups.take(GROUP)
    groups.deregister(GROUP, "a", 8080, delay=20)
    clock.now = 20.0

    assert groups.is_drained(GROUP, "a", 8080)
    assert [] == groups.targets(GROUP)
    assert groups.health(GROUP, "a", 8080).reason == "Target.NotRegistered"


def test_a_target_is_shown_as_draining_until_the_delay_is_over() -> None:
    groups, clock = group_of("a")
    groups.deregister(GROUP, "a", 8080, delay=20)
    clock.now = 19.0

    assert groups.is_drained(GROUP, "a", 8080)
    assert ["draining"] == [target.health.state for target in groups.targets(GROUP)]


def test_a_late_health_check_does_not_revive_a_draining_target() -> None:
    groups, _ = group_of("a")
    target = groups.targets(GROUP)[0]
    groups.deregister(GROUP, "a", 8080, delay=20)
    groups.update(target, lambda _: HEALTHY)

    assert groups.health(GROUP, "a", 8080).state == "draining"


def test_a_target_of_a_group_that_no_listener_uses_is_unused() -> None:
    groups, _ = group_of("a")

    assert groups.health(GROUP, "a", 8080, in_use=False).reason == "Target.NotInUse"
