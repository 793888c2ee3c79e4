"""A service under a steady load, and releases of it of which not one request may fail."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import requests

from tests.support.clone import Clone, Ran
from tests.support.rollouts import Rollouts
from tests.support.steady_load import Asked, SteadyLoad, faults
from tests.support.zero_downtime_report import Report, Row

PER_SECOND, AT_LEAST_PER_SECOND = 60, 50
STRATEGIES = ("BLUE_GREEN", "CANARY", "LINEAR", "ROLLING")
DEPLOY = (".venv/bin/python", "-m", "pipeline", "deploy", "local")
ENVIRONMENT = "infra/environments/local.yaml"
API = "app/orders/api.py"
PATIENT = "healthy_within_minutes: 3 "
"""How long a good version may take, on a busy machine too."""
# Short, so that the whole takes minutes; what is judged does not depend on it.
SHORT = {
    "BakeTimeMinutes": 2,
    "CanaryPercent": 10,
    "CanaryBakeTimeMinutes": 1,
    "LinearStepPercent": 34,
    "LinearStepBakeTimeMinutes": 1,
    "DeploymentStrategy": "BLUE_GREEN",
}


@dataclass
class Service:
    """The service of a clone, what asks it all the while, and what came of its releases so far.

    hold: the file that keeps deployments in the stage which it names.
    """

    clone: Clone
    url: str
    load: SteadyLoad
    aws: Rollouts
    hold: Path
    report: Report = field(default_factory=Report)
    strategies: Iterator[str] = field(default_factory=lambda: cycle(STRATEGIES))


@dataclass(frozen=True)
class Releases:
    """Releases of the service by one test, which keeps a row of the report for each."""

    service: Service
    properties: list[tuple[str, Any]]

    @property
    def clone(self) -> Clone:
        return self.service.clone

    @property
    def aws(self) -> Rollouts:
        return self.service.aws

    def served_version(self) -> str:
        return str(requests.get(f"{self.service.url}/orders", timeout=5).headers["X-Service-Version"])

    def since(self, begun: float) -> list[Asked]:
        """What was asked since `begun`, Unix time."""
        return self.service.load.since(begun)

    def parameter(self, name: str, value: object) -> None:
        set_parameter(self.clone, name, value)

    def edit(self, word: str) -> None:
        """Another version, as good as the one before."""
        with (self.clone.path / API).open("a") as source:
            source.write(f"# {word}\n")

    def add(self, row: Row) -> None:
        self.service.report.add(row)
        self.properties.append(row.as_property())

    def good_one(self, kind: str, strategy: str = "", *, edited: bool = True) -> None:
        """Another version is released, serves everybody afterwards, and no request fails meanwhile.

        strategy: the next in turn where none is given. edited: whether a line is added to make it another.
        """
        by = strategy or next(self.service.strategies)
        self.parameter("DeploymentStrategy", by)
        before, begun = self.served_version(), time.time()
        if edited:
            self.edit(kind)

        ran = self.clone.run(*DEPLOY)

        seconds, asked = time.time() - begun, self.since(begun)
        after = self.served_version()
        switched = first_answer_of(after, asked, begun)
        ended = "the new version serves" if strategy else by
        self.add(Row.of(kind, asked, seconds, switched=switched, ended=ended))
        self.parameter("DeploymentStrategy", "BLUE_GREEN")
        assert 0 == ran.exit_code
        assert f"version {after} serves" in ran.output
        assert before != after
        assert {after} == {self.served_version() for _ in range(10)}
        assert [] == faults(asked)
        assert {before, after} == {one.version for one in asked}

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """app/ as it was before, afterwards."""
        app = self.clone.path / "app"
        before = {file: file.read_bytes() for file in app.rglob("*") if file.is_file()}
        try:
            yield
        finally:
            for file in [file for file in app.rglob("*") if file.is_file() and file not in before]:
                file.unlink()
            for file, content in before.items():
                file.write_bytes(content)


@contextmanager
def service_of(clone: Clone, *, tasks: int) -> Iterator[Service]:
    """The service brought up in a clone, under load; taken down at the end."""
    shorten(clone, tasks)
    hold = clone.path.with_name(f"{clone.path.name}-hold")
    try:
        assert 0 == clone.pipeline("local", "up", SLIPWAY_LOCAL_HOLD=str(hold)).exit_code
        up: Ran = clone.run(*DEPLOY)
        assert 0 == up.exit_code
        with SteadyLoad(f"{up.url}/orders?limit=1", PER_SECOND) as load:
            yield Service(clone, up.url, load, Rollouts(clone), hold)
    finally:
        clone.pipeline("local", "down")


def shorten(clone: Clone, tasks: int) -> None:
    """Give the clone's releases short times and so many tasks, and good versions time enough."""
    for name, value in {**SHORT, "TaskCount": tasks}.items():
        set_parameter(clone, name, value)
    clone.replace(ENVIRONMENT, "healthy_within_minutes: 1 ", PATIENT)


def set_parameter(clone: Clone, name: str, value: object) -> None:
    file = clone.path / ENVIRONMENT
    kept = re.sub(rf"\n  {name}: \w+", "", file.read_text())
    file.write_text(kept.rstrip("\n") + f"\n  {name}: {value}\n")


def first_answer_of(version: str, asked: list[Asked], begun: float) -> float | None:
    return next((one.at - begun for one in asked if one.version == version), None)


def cause(output: str) -> str:
    """The page that a failed release ends with: under the table of nodes."""
    return output.rpartition("was to be:")[2]
