"""A launch in several regions leaves nothing behind, however it ends, and says which failed and why."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from botocore.exceptions import ClientError

from pipeline.aws.session import Access
from pipeline.cli import connect
from pipeline.context import Context
from pipeline.errors import (
    BusyError,
    ImageError,
    ProtectedError,
    StackFailedError,
    StackStuckError,
    UsageError,
)
from pipeline.regional import run as regional
from pipeline.regional import taskcat
from pipeline.regional.launch import Region
from tests.support import command
from tests.support.fakes import (
    START,
    Audience,
    FakeAws,
    FakeCloudFormation,
    FakeHttp,
    FakeSsm,
    Paginates,
    client_error,
)
from tests.support.small_project import DIGEST, REPOSITORY, World, world

REGIONS = ("eu-west-1", "us-east-1")
STACK = "orders-regional"
TAGS = {"service": "orders", "managed-by": "slipway", "environment": "regional"}
NEST = "AWS::CloudFormation::Stack"
WELL: dict[str, Any] = {
    "GET /orders": (200, {"X-Service-Version": "1.0", "X-Image-Digest": DIGEST}, b"[]"),
    "DELETE /orders": (405, {}, b""),
}


class Images(Paginates):
    """One image after the other, the newest not the first."""

    def __init__(self) -> None:
        self.images = [("sha256:" + "b" * 64, 1), (DIGEST, 3), ("sha256:" + "c" * 64, 2)]

    def describe_images(self, **request: Any) -> dict[str, Any]:
        page = int(request.get("nextToken", "0"))
        shown = [{"imageDigest": d, "imagePushedAt": at, "imageTags": ["1.0"]} for d, at in self.images]
        if "imageIds" in request:
            return {
                "imageDetails": [
                    one for one in shown if one["imageDigest"] == request["imageIds"][0]["imageDigest"]
                ]
            }
        more = {"nextToken": str(page + 1)} if page + 1 < len(shown) else {}
        return {"imageDetails": shown[page : page + 1], **more}


class Buckets:
    class exceptions:  # noqa: N801 - as boto3 has it
        class NoSuchBucket(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.there: dict[str, list[str]] = {}
        self.refusals: list[str] = []

    def create_bucket(self, **request: Any) -> None:
        self.request = request
        if self.refusals:
            raise client_error("CreateBucket", self.refusals.pop(), "Please try again.")
        self.there[request["Bucket"]] = ["slipway/infra/a.yaml"]

    def get_paginator(self, _: str) -> "Buckets":
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if request["Bucket"] not in self.there:
            raise self.exceptions.NoSuchBucket
        return [{"Contents": [{"Key": key} for key in self.there[request["Bucket"]]]}, {}]

    def delete_object(self, **request: Any) -> None:
        self.there[request["Bucket"]].remove(request["Key"])

    def delete_bucket(self, **request: Any) -> None:
        assert [] == self.there.pop(request["Bucket"])


class StoppedTasks:
    """One task that could not be started."""

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": ["task/1"]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        task = {
            "taskArn": "task/1",
            "taskDefinitionArn": "definition",
            "group": f"service:{STACK}-Service-1",
            "stoppedReason": "CannotPullContainerError: not found",
            "createdAt": START,
        }
        return {"tasks": [task]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        return {"taskDefinition": {"containerDefinitions": []}}


class Resting(FakeSsm):
    """Takes a name again 30 seconds after its deletion, as SSM asks for. clock: gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.clock = clock
        self.deleted_at: dict[str, float] = {}

    def delete_parameters(self, **request: Any) -> dict[str, Any]:
        answer = super().delete_parameters(**request)
        self.deleted_at |= dict.fromkeys(answer["DeletedParameters"], self.clock())
        return answer

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        rested = self.clock() - self.deleted_at.get(request["Name"], -30.0)
        assert rested > 29.9, f"{request['Name']} was deleted {rested} seconds ago"
        return super().put_parameter(**request)


@dataclass
class Stage:
    """Two regions, a taskcat that makes in each the stack it is told to, and a service that answers."""

    world: World
    s3: Buckets
    regions: dict[str, FakeCloudFormation]
    ssm: dict[str, FakeSsm]
    ends: dict[str, str] = field(default_factory=dict)
    code: int = 0
    runs: list[taskcat.Run] = field(default_factory=list)
    seen: list[dict[str, list[str]]] = field(default_factory=list)
    audience: Audience = field(default_factory=Audience)
    more: dict[str, Any] = field(default_factory=dict)

    def test(self, _: Any, run: taskcat.Run, log: Callable[[str], None]) -> int:
        log("at work")
        self.runs.append(run)
        self.seen.append({name: sorted(ssm.values) for name, ssm in self.ssm.items()})
        for region, cloudformation in self.regions.items():
            stack = cloudformation.have(
                run.stack, self.ends.get(region, "CREATE_COMPLETE"), outputs={"ServiceUrl": "http://lb"}
            )
            cloudformation.stacks[stack]["Tags"] = [{"Key": k, "Value": v} for k, v in run.tags.items()]
        return self.code

    def elsewhere(self, home: Context, name: str, region: str) -> Context:
        there = home.environment.model_copy(update={"name": name, "region": region})
        clients = {"cloudformation": self.regions[region], "ssm": self.ssm[region], **self.more}
        return replace(home, environment=there, aws=cast(Any, FakeAws(**clients)))

    def run(self, image: str | None = None) -> Any:
        return regional.run(
            self.world.context, REGIONS, image, self.audience.log, test=self.test, elsewhere=self.elsewhere
        )

    @property
    def left(self) -> list[str]:
        stacks = [
            f"{region} {one['StackName']}"
            for region, cloudformation in self.regions.items()
            for one in cloudformation.stacks.values()
            if one["StackStatus"] != "DELETE_COMPLETE"
        ]
        return [*stacks, *(name for ssm in self.ssm.values() for name in ssm.values), *self.s3.there]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    s3 = Buckets()
    here = world(tmp_path, ecr=Images(), s3=s3)
    (tmp_path / taskcat.FILE).write_text(
        "project: {name: slipway}\n"
        "tests: {microservice: {template: infra/m.yaml, parameters: {EnvironmentName: regional}}}\n"
    )
    here.cloudformation.have(
        "orders-ecr", "CREATE_COMPLETE", outputs={"RepositoryUri": REPOSITORY, "RepositoryArn": "arn:ecr"}
    )
    cast(Any, here.context.aws).access = Access("eu-west-1")
    http = FakeHttp()
    http.answers = dict(WELL)
    monkeypatch.setattr(requests, "Session", lambda: contextlib.nullcontext(http))
    made = Stage(
        here,
        s3,
        {region: FakeCloudFormation() for region in REGIONS},
        {region: FakeSsm() for region in REGIONS},
    )
    cast(Any, made).http = http
    return made


def test_all_is_well_and_nothing_is_left(stage: Stage) -> None:
    results, failure = stage.run()

    assert failure is None
    assert [("eu-west-1", "CREATE_COMPLETE", ""), ("us-east-1", "CREATE_COMPLETE", "")] == [
        (one.name, one.status, one.cause) for one in results
    ]
    assert [] == stage.left


def test_the_secrets_are_there_before_the_launch_and_the_newest_image_is_launched(stage: Stage) -> None:
    stage.run()

    assert [{region: ["/orders/regional/password"] for region in REGIONS}] == stage.seen
    assert f"{REPOSITORY}@{DIGEST}" == stage.runs[0].parameters["ImageUri"]
    assert "arn:ecr" == stage.runs[0].parameters["RepositoryArn"]
    assert TAGS == stage.runs[0].tags
    assert {"LocationConstraint": "eu-west-1"} == stage.s3.request["CreateBucketConfiguration"]


def test_the_role_of_regional_yml_gives_the_roles_it_makes_the_boundary_and_nobody_else_does(
    stage: Stage,
) -> None:
    sts = cast(Any, stage.world.context.aws.client("sts"))
    stage.run()
    worn = "arn:aws:sts::000000000000:assumed-role/orders-regional-deploy/run-1"
    sts.get_caller_identity = lambda: {"Account": sts.account, "Arn": worn}
    stage.world = replace(stage.world, context=replace(stage.world.context))  # another command
    stage.run()

    first, second = (run.parameters for run in stage.runs)
    assert "PermissionsBoundaryArn" not in first
    assert "arn:aws:iam::000000000000:policy/orders-boundary" == second["PermissionsBoundaryArn"]


def test_one_region_that_fails_is_named_with_its_first_cause_and_the_other_is_not(stage: Stage) -> None:
    stage.ends = {"us-east-1": "CREATE_FAILED"}
    stage.code = 1
    there = stage.regions["us-east-1"]
    shipped = there.have

    def have(name: str, *more: Any, **outputs: Any) -> str:
        inner = shipped("orders-regional-Database-1", "CREATE_FAILED")
        there._event(inner, "Database", "AWS::RDS::DBInstance", "CREATE_FAILED", "no capacity")
        made = shipped(name, *more, **outputs)
        there._event(made, "Database", NEST, "CREATE_FAILED", "Embedded stack was not successfully created")
        there._events[made][-1]["PhysicalResourceId"] = inner
        return made

    there.have = have  # type: ignore[method-assign]
    results, failure = stage.run()

    assert ["", "Database (AWS::RDS::DBInstance): no capacity"] == [one.cause for one in results]
    assert failure.what == "1 of 2 regions failed: us-east-1"
    assert "us-east-1: Database" in failure.why
    assert "infra/rds.yaml:3" == failure.where
    assert 10 == failure.exit_code
    assert ["us-east-1 orders-regional-Database-1"] == stage.left  # its parent takes it away at AWS


def test_a_service_that_answers_wrongly_fails_its_region(stage: Stage) -> None:
    cast(Any, stage).http.answers["DELETE /orders"] = (200, {}, b"")
    _, failure = stage.run()

    assert failure.what == "2 of 2 regions failed: eu-west-1, us-east-1"
    assert "405 was expected" in failure.why
    assert [] == stage.left


def test_taskcat_that_fails_without_a_failed_stack_is_a_failure_all_the_same(stage: Stage) -> None:
    stage.code = 1
    _, failure = stage.run()

    assert failure.what == "taskcat ended with exit code 1"


def test_an_interruption_leaves_nothing(stage: Stage) -> None:
    shipped = stage.test

    def interrupted(*arguments: Any) -> int:
        shipped(*arguments)
        raise KeyboardInterrupt

    stage.test = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        stage.run()

    assert [] == stage.left


def test_what_a_killed_run_left_goes_before_the_next_begins(stage: Stage) -> None:
    stage.test(None, taskcat.Run(STACK, [], "", "", {}, TAGS), print)
    stage.ssm["us-east-1"].values["/orders/regional/password"] = {"Value": "old"}
    stage.s3.create_bucket(Bucket=f"{STACK}-{'0' * 12}")
    _, failure = stage.run()

    assert failure is None
    assert [f"delete {STACK}"] * 2 == stage.regions["us-east-1"].log
    assert [] == stage.left


def test_a_secret_is_made_thirty_seconds_after_its_deletion_at_the_earliest(stage: Stage) -> None:
    stage.ssm = {region: Resting(stage.world.time.clock) for region in REGIONS}
    stage.ssm["us-east-1"].values["/orders/regional/password"] = {"Value": "a killed run left it"}

    stage.run()
    stage.run()

    assert 2 == len(stage.runs)


def test_a_bucket_that_s3_is_still_deleting_is_waited_for(stage: Stage) -> None:
    stage.s3.refusals = ["OperationAborted"] * 2
    _, failure = stage.run()

    assert failure is None
    assert [] == stage.left


def test_a_bucket_that_is_somebody_elses_is_not_waited_for(stage: Stage) -> None:
    stage.s3.refusals = ["OperationAborted", "BucketAlreadyExists"]

    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        stage.run()

    assert ["OperationAborted"] == stage.s3.refusals


def test_a_stack_of_that_name_that_is_no_launch_stays(stage: Stage) -> None:
    stage.regions["us-east-1"].have(STACK, "CREATE_COMPLETE")

    with pytest.raises(ProtectedError, match="is no launch of Slipway's"):
        stage.run()

    assert [] == stage.runs
    assert [f"us-east-1 {STACK}"] == stage.left


def test_a_stack_that_cannot_be_deleted_is_told_and_the_other_region_is_cleared(stage: Stage) -> None:
    stage.regions["eu-west-1"].next_ends = {STACK: ["DELETE_FAILED"]}

    with pytest.raises(StackStuckError):
        stage.run()

    assert [f"eu-west-1 {STACK}"] == [one for one in stage.left if " " in one]
    assert {} == stage.s3.there


def test_two_launches_at_once_are_refused(stage: Stage) -> None:
    stage.world.ssm.values["/slipway/orders/regional/lock"] = {
        "Value": '{"token": "x", "what": "regional", "host": "h", "pid": 1, "began": "1"}',
        "LastModifiedDate": START,
    }

    with pytest.raises(BusyError):
        stage.run()

    assert [] == stage.runs


def test_a_repository_without_an_image_is_told_before_anything_is_made(stage: Stage) -> None:
    cast(Any, stage.world.context.aws.client("ecr")).images = []

    with pytest.raises(ImageError, match="there is no image"):
        stage.run()

    assert [] == stage.seen


def test_an_environment_of_that_name_is_never_in_danger(stage: Stage) -> None:
    directory = stage.world.context.project.environments
    (directory / "regional.yaml").write_text((directory / "dev.yaml").read_text())

    with pytest.raises(UsageError, match="regional is an environment of its own"):
        stage.run()


def test_a_service_that_did_not_come_up_has_its_tasks_words_beside_it(stage: Stage) -> None:
    service = "arn:aws:ecs:eu-west-1:000000000000:service/orders-regional/s"
    there = stage.regions["eu-west-1"]
    stage.ends = {"eu-west-1": "CREATE_FAILED"}
    shipped = there.have

    def have(name: str, *more: Any, **outputs: Any) -> str:
        made = shipped(name, *more, **outputs)
        there._event(made, "Service", "AWS::ECS::Service", "CREATE_FAILED", "circuit breaker")
        there._events[made][-1]["PhysicalResourceId"] = service
        return made

    there.have = have  # type: ignore[method-assign]
    stage.more = {"ecs": StoppedTasks(), "logs": None}
    _, failure = stage.run()

    assert "  task 1 stopped: CannotPullContainerError: not found" in failure.details


def test_the_page_and_the_exit_code_tell_every_region(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = [
        Region("eu-west-1", "CREATE_COMPLETE"),
        Region("us-east-1", "CREATE_FAILED", cause="no capacity"),
    ]
    asked: list[Any] = []

    def run(_: Context, regions: list[str], image: str, __: Any) -> Any:
        asked.extend((regions, image))
        return results, StackFailedError("1 of 2 regions failed: us-east-1", why="no capacity")

    monkeypatch.setattr(regional, "run", run)
    monkeypatch.setattr(connect, "guarded", lambda _: stage.world.context)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    code, _ = command.run("regional", "dev", "eu-west-1", "us-east-1", "eu-west-1", "--image", "x@y")
    page = (tmp_path / "summary.md").read_text()

    assert 10 == code
    assert [list(REGIONS), "x@y"] == asked
    assert page.startswith("## ❌ regional eu-west-1 us-east-1 failed")
    assert "| `eu-west-1` | passed |" in page
    assert "| `us-east-1` | ❌ failed |" in page
