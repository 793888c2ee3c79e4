"""Good releases in a row with strategies mixed."""

import pytest

from tests.support.zero_downtime import AT_LEAST_PER_SECOND, STRATEGIES, Releases, Service

RELEASES = 8


@pytest.mark.parametrize("number", range(RELEASES))
def test_good_releases_in_a_row_with_strategies_mixed_lose_no_request(
    releases: Releases, number: int
) -> None:
    strategy = STRATEGIES[number % len(STRATEGIES)]
    releases.good_one(f"good, {strategy}", strategy)


def test_there_were_at_least_fifty_requests_a_second_over_all_releases(service: Service) -> None:
    """Else the others proved little. How many there were in the worst release is in the report."""
    assert service.report.rate >= AT_LEAST_PER_SECOND
