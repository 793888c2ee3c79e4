"""A deploy is not deep: from `main` to ExecuteChangeSet there are at most eight frames of the pipeline.

The graph runs each node in a thread. So the frames of a call are those of the main thread, which waits in
the runner, and those of the thread that calls. Frames of the standard library do not count. `main` exits the
process and so is not run here; it counts as one.
"""

import itertools
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests

from pipeline.account import permissions_boundary
from pipeline.cli import connect
from pipeline.graph.graph import SERVICE
from pipeline.rollout import traffic_weights
from tests.support.command import run
from tests.support.fake_rollout import RESOURCES, FakeCloudWatch, FakeElb, FakeLogs, FakeRollouts
from tests.support.fakes import FakeCloudFormation, FakeSession
from tests.support.small_project import FILES, OUTPUTS, World, world

RULE = f"""Resources:
  ProductionRule: {{Type: '{traffic_weights.RULE}', Metadata: {{Slipway: {{AwsTakes: anything}}}}}}
"""
AT_MOST = 8
BOUNDARY = f"{permissions_boundary.PARAMETER}: {{Type: String, Default: 'arn:boundary'}}"
TEMPLATE = (
    FILES["infra/app.yaml"]
    .replace("Parameters:\n", f"Parameters:\n  BlueWeight: {{Type: Number, Default: 100}}\n  {BOUNDARY}\n")
    .replace("Parameters:\n", "Parameters:\n  GreenWeight: {Type: Number, Default: 0}\n")
    .replace("Resources:\n", RULE)
)


def ours(frame: FrameType | None) -> Iterator[str]:
    """The pipeline's frames on a stack, the innermost first."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == "pipeline":
            yield f"{name}.{frame.f_code.co_qualname}"
        frame = frame.f_back


class Watched(FakeCloudFormation):
    """Keeps the pipeline's frames, the outermost first, of every ExecuteChangeSet."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: dict[str, list[list[str]]] = {}

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        given = {p["ParameterKey"] for p in request["Parameters"] if "ParameterValue" in p}
        kind = SERVICE
        if request.get("UsePreviousTemplate"):
            kind = permissions_boundary.ROLE if "BlueWeight" not in given else traffic_weights.RULE
        changed = {"Action": "Modify", "LogicalResourceId": "Changed", "ResourceType": kind}
        self.changes = [{"ResourceChange": changed}]
        return super().create_change_set(**request)

    def execute_change_set(self, **request: Any) -> dict[str, Any]:
        main = ours(sys._current_frames()[threading.main_thread().ident or 0])
        # It may not wait yet, but be a few frames further on, telling that the node has started.
        runner = itertools.dropwhile(lambda name: name != "pipeline.graph.runner.run", main)
        path = [*ours(sys._getframe()), *runner, "pipeline.__main__.main"][::-1]
        self.paths.setdefault(request["StackName"].split("/")[1], []).append(path)
        return super().execute_change_set(**request)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    clients = {"ecs": FakeRollouts(), "elbv2": FakeElb(blue=0, green=100), "logs": FakeLogs()}
    watched = Watched()
    watched.outputs_of = OUTPUTS
    made = world(tmp_path, **clients, cloudwatch=FakeCloudWatch(), cloudformation=watched)
    (tmp_path / "infra/app.yaml").write_text(TEMPLATE)
    made = replace(made.reread(), cloudformation=watched)
    [tags] = made.ecr.images.values()
    monkeypatch.setattr(FakeSession, "version", tags[0])
    monkeypatch.setattr(requests, "Session", FakeSession)
    monkeypatch.setattr(connect, "open_environment", lambda *_: made.context)
    return made


def paths(here: World) -> dict[str, list[list[str]]]:
    assert isinstance(here.cloudformation, Watched)
    return here.cloudformation.paths


def too_long(paths: dict[str, list[list[str]]]) -> list[str]:
    every = (path for of_stack in paths.values() for path in of_stack)
    return ["\n".join(path) for path in every if len(path) > AT_MOST]


def test_a_first_deploy_reaches_every_change_set_in_a_few_frames(here: World) -> None:
    code, said = run("deploy", "dev")

    assert 0 == code, said
    assert {"orders-ecr", "orders-dev-vpc", "orders-dev-rds", "orders-dev-app"} == paths(here).keys()
    assert [] == too_long(paths(here))


def test_a_release_and_the_updates_of_parameters_before_it_are_not_deeper(here: World) -> None:
    here.deployed()
    stack = here.cloudformation._find("orders-dev-app")
    assert stack is not None
    has = {"BlueWeight": "100", "GreenWeight": "0", permissions_boundary.PARAMETER: ""}
    stack["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in has.items()]
    here.cloudformation.resources = {k: v for k, v in RESOURCES.items() if v[0] != SERVICE}

    code, said = run("deploy", "dev")

    assert 0 == code, said
    assert 3 == len(paths(here)["orders-dev-app"])
    assert [] == too_long(paths(here))
