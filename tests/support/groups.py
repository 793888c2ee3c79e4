"""Groups of tests with Docker: one folder is one environment, and is run from start to end by one worker.

A worker that is nearly through with one takes the next, in the order of WEIGHTS: the longest come first, so
that none of them is begun last. What an environment holds is torn down before the next group begins.
"""

from collections import Counter
from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.repository import ROOT

TESTS = ROOT / "tests"
DOCKER, APP = TESTS / "docker", TESTS / "app"
WEIGHTS = {
    "docker/orders/workflows": 430,
    "docker/orders/zero_downtime/kills": 340,
    "docker/orders/rollouts": 300,
    "docker/orders/zero_downtime/bad_versions": 300,
    "docker/orders/zero_downtime/strategies": 280,
    "docker/orders/main_job": 200,
    "docker/orders/regional": 180,
    "docker/local_aws/blue_green": 165,
    "app": 130,
    "docker/orders/identity": 105,
    "docker/local_aws/services": 65,
    "docker/orders/second_service": 50,
    "docker/orders/workflow_ci": 45,
    "docker/local_aws/lifecycle": 45,
    "docker/local_aws/database": 15,
    "docker/local_aws/stacks": 10,
}
"""The seconds that each group takes, roughly; what a run took is printed at its end."""


def group_of(nodeid: str) -> str:
    """The group that a test belongs to, a folder below tests/; "" for a test that any worker may run."""
    folder = (ROOT / nodeid.partition("::")[0]).parent
    return folder.relative_to(TESTS).as_posix() if folder == APP or folder.is_relative_to(DOCKER) else ""


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests by their group; those that any worker may run come last, and fill the gaps."""

    def place(item: pytest.Item) -> tuple[int, str]:
        name = group_of(item.nodeid)
        return -WEIGHTS.get(name, 0), name

    items.sort(key=place)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker whole groups.

    Not by xdist's own mark: it writes the group into Item._nodeid, which pytest 9.2 no longer reads, so that
    every test would be a group by itself.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


def are_wanted(config: pytest.Config) -> bool:
    """Whether this run has tests with Docker, as far as its command line tells."""
    marks = config.option.markexpr
    if config.option.collectonly or "not docker" in marks or (marks and "docker" not in marks):
        return False
    folders = [(config.invocation_params.dir / word.partition("::")[0]).resolve() for word in config.args]
    return any(
        asked.is_relative_to(DOCKER) or APP.is_relative_to(asked) or DOCKER.is_relative_to(asked)
        for asked in folders
    )


class Seconds:
    """What each group of a run took: its tests with their set-up and tear-down, one after the other."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()

    def add(self, report: pytest.TestReport) -> None:
        if "docker" in report.keywords and (name := group_of(report.nodeid)):
            self._seconds[name] += report.duration
            self._tests[name] += report.when == "call"

    def lines(self) -> Iterable[str]:
        """The longest first."""
        for name, seconds in self._seconds.most_common():
            yield f"{seconds:6.0f} s  {name} ({self._tests[name]} tests)"
