"""One launch of everything in several regions: its secrets, bucket and stacks, tested and deleted."""

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import requests

from pipeline.account import permissions_boundary, roles
from pipeline.aws import parameters, stopped_tasks
from pipeline.aws.errors import Tolerated
from pipeline.checks import smoke, suite
from pipeline.cloudformation import stacks
from pipeline.cloudformation.events import Event, EventStream, first_cause
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.graph import template
from pipeline.graph.template import SecretType
from pipeline.image import registry
from pipeline.regional import taskcat

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3.type_defs import CreateBucketRequestTypeDef

NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Region:
    """What became of one region.

    status: of the stack. cause: its first failure, or which smoke tests failed; "" where all went well.
    diagnostics: further lines; of an ECS service, the log lines of its tasks. where: the line in infra/.
    """

    name: str
    status: str
    url: str = ""
    cause: str = ""
    diagnostics: tuple[str, ...] = ()
    where: str = ""


class Launch:
    """A launch from the environment `home` into `there` (region -> context) as stacks called `stack`.

    log(region) gives where that region's lines go.
    """

    def __init__(
        self, home: Context, there: Mapping[str, Context], stack: str, log: Callable[[str], Log]
    ) -> None:
        self._home, self._there, self._stack, self._log = home, there, stack, log
        self._bucket = f"{stack}-{home.environment.account}"
        self._any = next(iter(there.values()))
        values = {"ServiceName": home.project.service, "EnvironmentName": self._any.environment.name}
        self._secrets: dict[str, SecretType] = {}
        self._templates = template.load_all(home.project.templates)
        for parsed in self._templates:
            self._secrets |= parsed.own_secrets(values)

    def as_run(self, image: str) -> taskcat.Run:
        """The launch as taskcat runs it. image: by digest."""
        access = self._home.aws.access
        caller = self._home.identity.get("Arn", "")
        boundary = roles.boundary_of(caller, self._home.project.service, self._any.environment.name)
        variables = {"AWS_DEFAULT_REGION": access.region}
        if access.endpoint:
            variables |= {
                "AWS_ENDPOINT_URL": access.endpoint,
                "AWS_ACCESS_KEY_ID": access.access_key or "",
                "AWS_SECRET_ACCESS_KEY": access.secret_key or "",
            }
        parameters = {
            "ServiceName": self._home.project.service,
            "ImageUri": image,
            "RepositoryArn": self._home.live_outputs()["RepositoryArn"],
            **({permissions_boundary.PARAMETER: boundary} if boundary else {}),
        }
        regions, tags = list(self._there), self._any.tags
        return taskcat.Run(self._stack, regions, self._bucket, access.region, parameters, tags, variables)

    def prepare(self) -> None:
        """Make the bucket, and in every region the secrets. Raises WaitTimeoutError."""
        self._make_bucket()
        for context in self._there.values():
            for name, kind in self._secrets.items():
                parameters.create(context.aws.client("ssm"), name, context.tags, context.wait, kind)

    def _make_bucket(self) -> None:
        """S3 deletes a bucket for a while, and until the end refuses to make a bucket of that name."""
        s3, region = self._home.aws.client("s3"), self._home.aws.region
        request: CreateBucketRequestTypeDef = {"Bucket": self._bucket}
        if region != "us-east-1":
            # The type stubs list the regions of the day on which the stubs were made.
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}  # type: ignore[typeddict-item]

        def probe() -> bool | None:
            with Tolerated("OperationAborted"):
                s3.create_bucket(**request)
                return True
            return None

        self._home.wait(probe, what=f"a new bucket {self._bucket}", timeout=self._home.timeout)

    def look(self, image: str) -> list[Region]:
        """What became of every region. Runs the smoke tests where the stack is complete. image: by digest."""
        version = registry.version_of(self._home.aws.client("ecr"), *registry.split(image))
        return [self._look(name, context, image, version) for name, context in self._there.items()]

    def clear(self) -> None:
        """Delete every stack, secret and bucket of this launch, or of one that was interrupted.

        Once this returns, SSM takes the names of the secrets again, for the next launch. Raises the first
        failure once everything was tried: StackStuckError, or ProtectedError for a stack of that name that is
        no launch.
        """
        with ThreadPoolExecutor(len(self._there)) as pool:
            done = [pool.submit(self._clear, name, context) for name, context in self._there.items()]
        self._clear_bucket()
        for one in done:
            one.result()

    def _look(self, name: str, context: Context, image: str, version: str | None) -> Region:
        cloudformation = context.aws.client("cloudformation")
        current = stacks.describe(cloudformation, self._stack)
        if current is None:
            return Region(name, "not there", cause="taskcat made no stack")
        url = current.outputs.get("ServiceUrl", "")
        if current.status.name != "CREATE_COMPLETE":
            cause = cause_of(cloudformation, current.stack_id)
            if cause is None:
                return Region(name, str(current.status), url, current.reason)
            diagnostics = tuple(self._diagnostics(context, cause))
            return Region(name, str(current.status), url, cause.told, diagnostics, self._where(cause))
        checks = suite.checks(context, url, version, digest=registry.split(image)[1])
        log = self._log(name)
        with requests.Session() as http:
            outcomes = smoke.run(checks, http, lambda one: log(str(one)), clock=context.clock)
        failure = smoke.failure_of(outcomes, url, context.environment.name)
        return Region(name, str(current.status), url, str(failure or ""))

    def _diagnostics(self, context: Context, cause: Event) -> list[str]:
        if not cause.of_the_service or not cause.physical_id:
            return []
        watch = stopped_tasks.StoppedTaskWatcher(
            context.aws.client("ecs"),
            context.aws.client("logs"),
            cluster=stopped_tasks.names(cause.physical_id)[0],
            stack_name=cause.stack_id.split("/")[1],
            # CloudFormation ends the name of a nested stack with letters at random: no other run has it.
            since=datetime.min.replace(tzinfo=UTC),
            log=lambda _: None,
        )
        return watch.diagnostics("")

    def _where(self, cause: Event) -> str:
        for parsed in self._templates:
            known = parsed.resources.get(cause.logical_id)
            if known is not None and known.type == cause.type:
                return parsed.where(cause.logical_id)
        return ""

    def _clear(self, name: str, context: Context) -> None:
        log = self._log(name)
        current = stacks.describe(context.aws.client("cloudformation"), self._stack)
        if current is not None:
            rename = f"give the launch another EnvironmentName in {taskcat.FILE}"
            stacks.must_be_ours(current, context.tags, rename, f"in {name} is no launch of Slipway's")
        current = current and context.deployer(log).settle(current)
        if current is not None:
            log(f"deleting stack {current.name} ({current.status})")
            context.deployer(lambda _: None).delete(current, None)
        if parameters.delete(context.aws.client("ssm"), self._secrets):
            context.pause(parameters.REUSED_AFTER)

    def _clear_bucket(self) -> None:
        s3 = self._home.aws.client("s3")
        with contextlib.suppress(s3.exceptions.NoSuchBucket):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
                for one in page.get("Contents", []):
                    s3.delete_object(Bucket=self._bucket, Key=one["Key"])
            s3.delete_bucket(Bucket=self._bucket)


def cause_of(cloudformation: "CloudFormationClient", stack_id: str) -> Event | None:
    """The first failure of a stack; where a nested stack failed, the first failure in that nested stack."""
    events = EventStream(cloudformation, stack_id)
    events.new()
    cause = first_cause(events.seen)
    if cause is None or cause.type != NESTED or not cause.physical_id:
        return cause
    return cause_of(cloudformation, cause.physical_id) or cause
