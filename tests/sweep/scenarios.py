"""What the sweep does to a service, and what must be so afterwards."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import docker
import requests

from local_aws.checkout import for_checkout
from tests.support.clone import Clone, Ran
from tests.support.rollouts import endpoint_of
from tests.support.steady_load import SteadyLoad, faults
from tests.support.zero_downtime import API, DEPLOY, PER_SECOND, shorten

PIPELINE = (".venv/bin/python", "-m", "pipeline")
BROKEN = (".venv/bin/python", "-m", "tests.sweep.broken_aws")
REGIONS = ("eu-west-1", "us-east-1")
SECONDS = 900.0
MOST_RUNS = 4


@dataclass
class World:
    """A clone with a local AWS of its own, and who asks its service all the while, where there is one."""

    clone: Clone
    endpoint: str
    load: SteadyLoad | None = None
    wanted_tasks: int = 1
    edits: int = 0

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=region, **keys)

    def pipeline(self, *words: str) -> Ran:
        return self.clone.run(*PIPELINE, *words, seconds=SECONDS)

    def edit(self) -> None:
        """Make another version, as good as the one before."""
        self.edits += 1
        with (self.clone.path / API).open("a") as source:
            source.write(f"# edit {self.edits}\n")

    def serves(self) -> str:
        """The version that answers, or what comes in its place."""
        status = self.pipeline("status", "local").output
        url = re.findall(r"http://localhost:\d+", status)[-1]
        try:
            answers = [requests.get(f"{url}/orders", timeout=5) for _ in range(9)]
        except requests.RequestException as error:
            return str(error)
        return " and ".join({answer.headers.get("X-Service-Version", "no version") for answer in answers})

    def tasks(self) -> int:
        """The containers of the service that run."""
        client = docker.from_env()
        try:
            labels = [
                for_checkout(self.clone.path).label_filter,
                "slipway.kind=task",
                "slipway.container=app",
            ]
            return len(client.containers.list(filters={"label": labels}, ignore_removed=True))
        finally:
            client.close()

    def stacks(self) -> dict[str, str]:
        """Every stack and its status, in both regions."""
        return {
            one["StackName"]: one["StackStatus"]
            for region in REGIONS
            for one in self.client("cloudformation", region).describe_stacks()["Stacks"]
        }

    def left_behind(self) -> Iterator[str]:
        """What no command that ended may leave: a lock, a stack at work, in review or rolled back."""
        for region in REGIONS:
            for page in self.client("ssm", region).get_paginator("describe_parameters").paginate():
                yield from (one["Name"] for one in page["Parameters"] if one["Name"].endswith("/lock"))
            cloudformation = self.client("cloudformation", region)
            for stack in cloudformation.describe_stacks()["Stacks"]:
                if not stack["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in stack["StackStatus"]:
                    yield f"{stack['StackName']} {stack['StackStatus']}"


@dataclass(frozen=True)
class Scenario:
    """A command that is broken. prepare: brings what it starts from; wrong: what is not as it should be once
    the same command was run again.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[World], object]
    wrong: Callable[[World, object], Iterator[str]]
    under_load: bool = True


@dataclass
class Result:
    """One broken command. code: its exit code; again: those of the same command afterwards."""

    scenario: str
    fault: str
    call: str = ""
    code: int = 0
    again: list[int] = field(default_factory=list)
    requests: int = 0
    wrong: list[str] = field(default_factory=list)


def served_since(world: World, before: object) -> Iterator[str]:
    """The version in the checkout serves, with as many tasks as it should have."""
    now = world.serves()
    if now == before or " and " in now or not re.fullmatch("[0-9a-f]{12}", now):
        yield f"{now} serves, and {before} did before"
    if world.tasks() != world.wanted_tasks:
        yield f"{world.tasks()} tasks run"


def version_before(world: World) -> str:
    before = world.serves()
    world.edit()
    return before


def two_versions(world: World) -> str:
    """A release more, so that there is one to go back from; gives the version to go back from."""
    world.edit()
    something_there(world)
    return world.serves()


def nothing_there(world: World) -> str:
    assert 0 == world.pipeline("destroy", "local", "--confirm", "local").exit_code
    return ""


def something_there(world: World) -> str:
    assert 0 == world.clone.run(*DEPLOY, seconds=SECONDS).exit_code
    return ""


def is_gone(world: World, _: object) -> Iterator[str]:
    """Nothing of the environment is there; the repository with its images belongs to no environment."""
    yield from (name for name in world.stacks() if "-local-" in name)
    found = world.client("ssm").describe_parameters()["Parameters"]
    yield from (one["Name"] for one in found if "/local/" in one["Name"])
    if world.tasks():
        yield f"{world.tasks()} tasks run"


def no_region_has_anything(world: World, _: object) -> Iterator[str]:
    yield from (name for name in world.stacks() if "regional" in name)
    for region in REGIONS:
        found = world.client("ssm", region).describe_parameters()["Parameters"]
        yield from (one["Name"] for one in found if "/regional/" in one["Name"])
    yield from (one["Name"] for one in world.client("s3").list_buckets()["Buckets"])


RELEASE = Scenario("release", ("deploy", "local"), version_before, served_since)
SCENARIOS = (
    RELEASE,
    Scenario("rollback", ("rollback", "local"), two_versions, served_since),
    Scenario("first deploy", ("deploy", "local"), nothing_there, served_since, under_load=False),
    Scenario(
        "destroy", ("destroy", "local", "--confirm", "local"), something_there, is_gone, under_load=False
    ),
    Scenario(
        "regional launch",
        ("regional", "local", *REGIONS),
        something_there,
        no_region_has_anything,
        under_load=False,
    ),
)


def broken(world: World, scenario: Scenario, fault: str) -> tuple[Ran, list[str]]:
    """Run the scenario's command with a fault; with it, the calls that it made to change something."""
    calls = world.clone.path.with_name("calls")
    calls.write_text("")
    ran = world.clone.run(*BROKEN, fault, str(calls), *scenario.command, seconds=SECONDS)
    return ran, calls.read_text().splitlines()


def run(world: World, scenario: Scenario, fault: str) -> Result:
    """Break the scenario's command once, run it again until it ends well, and look what came of it."""
    before, begun = scenario.prepare(world), time.time()
    ran, calls = broken(world, scenario, fault)
    result = Result(scenario.name, fault, code=ran.exit_code)
    number = int(fault.partition("@")[2] or 0)
    result.call = calls[number - 1] if 0 < number <= len(calls) else ""
    runs = [ran]
    while runs[-1].exit_code != 0 and len(runs) < MOST_RUNS:
        runs.append(world.pipeline(*scenario.command))
    result.again = [one.exit_code for one in runs[1:]]
    result.wrong = [f"exit code {code}" for code in result.again if code]
    result.wrong += ["a traceback" for one in runs if "Traceback" in one.output]
    result.wrong += [*world.left_behind(), *scenario.wrong(world, before)]
    if world.load is not None:
        asked = world.load.since(begun)
        result.requests = len(asked)
        result.wrong += sorted(set(faults(asked)))[:3]
    return result


@contextmanager
def world_in(clone: Clone, *, under_load: bool) -> Iterator[World]:
    """The service, brought up in a clone; taken down at the end."""
    shorten(clone, tasks=1)
    try:
        assert 0 == clone.pipeline("local", "up").exit_code
        up = clone.run(*DEPLOY, seconds=SECONDS)
        assert 0 == up.exit_code
        world = World(clone, endpoint_of(clone))
        if not under_load:
            yield world
            return
        with SteadyLoad(f"{up.url}/orders?limit=1", PER_SECOND) as load:
            world.load = load
            yield world
    finally:
        clone.pipeline("local", "down")
