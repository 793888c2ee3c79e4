"""Good releases in a row with strategies mixed, and some that are killed or whose calls break."""

import pytest

from tests.support.rollouts import endpoint_of
from tests.support.zero_downtime import AT_LEAST_PER_SECOND, STRATEGIES, Releases, Service
from tests.sweep.scenarios import RELEASE, World, run

RELEASES = 8


@pytest.mark.parametrize("number", range(RELEASES))
def test_good_releases_in_a_row_with_strategies_mixed_lose_no_request(
    releases: Releases, number: int
) -> None:
    strategy = STRATEGIES[number % len(STRATEGIES)]
    releases.good_one(f"good, {strategy}", strategy)


@pytest.mark.parametrize("fault", ["killed_after@5", "any:0.1:7"])
def test_a_release_that_is_killed_or_whose_calls_break_ends_as_it_would_have(
    service: Service, fault: str
) -> None:
    """A sample; `python -m tests.sweep` is the whole."""
    world = World(service.clone, endpoint_of(service.clone), service.load, wanted_tasks=2)

    result = run(world, RELEASE, fault)

    assert [] == result.wrong


def test_there_were_at_least_fifty_requests_a_second_over_all_releases(service: Service) -> None:
    """Else the others proved little. How many there were in the worst release is in the report."""
    assert service.report.rate >= AT_LEAST_PER_SECOND
