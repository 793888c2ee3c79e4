"""Groups of tests with Docker: one folder is one environment, and is run from start to end by one worker.

A worker that is nearly through with one takes the next, in the order of WEIGHTS: the longest come first, so
that none of them is begun last. What an environment holds is torn down before the next group begins.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.repository import ROOT

TESTS = ROOT / "tests"
DOCKER, APP = TESTS / "docker", TESTS / "app"
WEIGHTS = {
    "orders/zero_downtime": 600,
    "orders/workflows": 270,
    "orders/regional": 180,
    "orders/main_job": 190,
    "orders/rollouts": 170,
    "orders/identity": 140,
    "local_aws/blue_green": 140,
    "local_aws/services": 130,
    "orders/workflow_ci": 110,
    "app": 130,
    "orders/second_service": 80,
    "local_aws/lifecycle": 45,
    "local_aws/database": 35,
    "local_aws/stacks": 20,
}
"""The seconds that each group takes, roughly; what a run took is printed at its end."""


def group_of(folder: Path, *, needs_docker: bool) -> str:
    """The name of the group that the tests in a folder belong to, "" for those that any worker may run."""
    if folder.is_relative_to(DOCKER):
        return folder.relative_to(DOCKER).as_posix()
    return "app" if needs_docker and folder == APP else ""


def put_into_groups(items: list[pytest.Item]) -> None:
    """Give every test with Docker the mark of its group, and sort the groups: the longest first."""
    names = {}
    for item in items:
        docker = item.get_closest_marker("docker") is not None
        names[item] = group_of(item.path.parent, needs_docker=docker)
        if names[item]:
            item.add_marker(pytest.mark.xdist_group(names[item]))
    items.sort(key=lambda item: (-WEIGHTS.get(names[item], 0), names[item]))


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
        file = ROOT / report.nodeid.partition("::")[0]
        name = group_of(file.parent, needs_docker="docker" in report.keywords)
        if name:
            self._seconds[name] += report.duration
            self._tests[name] += report.when == "call"

    def lines(self) -> Iterable[str]:
        """The longest first."""
        for name, seconds in self._seconds.most_common():
            yield f"{seconds:6.0f} s  {name} ({self._tests[name]} tests)"
