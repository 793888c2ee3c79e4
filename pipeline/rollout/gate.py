"""What happens while a rollout pauses: the migration, and the smoke tests of the new version.

Both end in a verdict. A step that could not be run counts as failed: nothing shows that the new version is
well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import requests
from botocore.exceptions import BotoCoreError, ClientError

from pipeline import masking
from pipeline.aws import revision_tasks
from pipeline.aws.revision_tasks import Evidence
from pipeline.aws.service_deployment import Revision, ServiceDeployment, revision
from pipeline.checks import smoke, suite
from pipeline.cloudformation import resources as stack_resources
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import SlipwayError
from pipeline.image import registry
from pipeline.rollout import migration
from pipeline.rollout.traffic_weights import GROUPS

TEST_HEADER = "X-Slipway-Test"
_SETTLE_SECONDS = 20.0
"""The test traffic has shifted already; a version that still does not answer is not there."""


@dataclass(frozen=True)
class Verdict:
    """why: what speaks against going on, "" where nothing does; lines: more for who looks for the cause."""

    why: str = ""
    lines: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.why

    @property
    def answer(self) -> Literal["CONTINUE", "ROLLBACK"]:
        """What ECS is told."""
        return "CONTINUE" if self.passed else "ROLLBACK"


@dataclass(frozen=True)
class Gate:
    """The gate of one rollout. spec: the service's stack; resources: logical id -> physical id; url: of the
    load balancer; served_before: what is released is no new version.
    """

    context: Context
    spec: StackSpec
    resources: Mapping[str, str]
    service_arn: str
    url: str
    log: Log
    served_before: bool = False

    def migrate(self, deployment: ServiceDeployment) -> Verdict:
        """Run the new version's migration as a task of its own."""
        return self._or_why_not("the migration", lambda: self._migrate(deployment))

    def test(self, deployment: ServiceDeployment) -> Verdict:
        """Run the smoke tests against the new version, through the test rule."""
        return self._or_why_not("the smoke tests of the new version", lambda: self._test(deployment))

    def diagnostics(self, deployment: ServiceDeployment) -> Evidence:
        """What is wrong with the tasks of the new version, down to their last log lines."""
        groups = [self.resources[group] for group in GROUPS.values() if group in self.resources]
        client = self.context.aws.client
        ecs, logs, elbv2 = client("ecs"), client("logs"), client("elbv2")
        try:
            definition = revision(ecs, deployment.target).task_definition
            return revision_tasks.of_tasks(ecs, logs, elbv2, self.service_arn, definition, groups)
        except (ClientError, BotoCoreError, SlipwayError) as error:
            return Evidence(lines=(f"(not readable: {error})",))

    def version_of(self, target: Revision) -> str | None:
        """The version of a revision's image: its tag in ECR."""
        if not target.digest:
            return None
        repository = target.image.partition("@")[0]
        return registry.version_of(self.context.aws.client("ecr"), repository, target.digest)

    def _migrate(self, deployment: ServiceDeployment) -> Verdict:
        ecs = self.context.aws.client("ecs")
        _, partition, _, _, account, _ = self.service_arn.split(":", 5)
        place = migration.Place(
            cluster=self.service_arn.split("/")[1],
            role_arn=f"arn:{partition}:iam::{account}:role/{self.resources['MigrationTaskRole']}",
            security_groups=(
                self.resources["MigrationSecurityGroup"],
                self.spec.parameters["DatabaseClientSecurityGroupId"],
            ),
        )
        ended = migration.run(
            ecs,
            self.context.aws.client("logs"),
            revision(ecs, deployment.target),
            place,
            f"slipway-migrate/{deployment.id}",
            self.log,
            self.context.wait,
            self.context.environment.rollout.migration_minutes * 60,
        )
        if not ended.fault:
            return Verdict()
        lines = ["last log lines of the migration:", *(f"  {line}" for line in ended.lines)]
        return Verdict(f"the migration failed: {ended.fault}", tuple(lines if ended.lines else ()))

    def _test(self, deployment: ServiceDeployment) -> Verdict:
        target = revision(self.context.aws.client("ecs"), deployment.target)
        version = self.version_of(target)
        checks = suite.checks(
            self.context,
            self.url,
            version,
            digest=target.digest or None,
            settle_seconds=_SETTLE_SECONDS,
            served_before=self.served_before,
        )
        with requests.Session() as http:
            http.headers[TEST_HEADER] = self._secret()
            outcomes = smoke.run(
                checks, http, lambda one: self.log(f"new version: {one}"), clock=self.context.clock
            )
        failed = [f"{outcome.name}: {outcome.detail}" for outcome in outcomes if not outcome.passed]
        if not failed:
            return Verdict()
        count = f"{len(failed)} smoke test{'s' if len(failed) > 1 else ''}"
        evidence = self.diagnostics(deployment)
        why = evidence.before(f"{count} of the new version failed: {failed[0]}")
        return Verdict(why, (*failed, *evidence.lines))

    def _secret(self) -> str:
        context = self.context
        reads = self.spec.template.reads(context.names)
        names = [read.name for read in reads if read.kind == "ssm" and read.name.endswith("/secret")]
        if not names:
            raise KeyError("the test rule's secret in the template")
        parameter = self.context.aws.client("ssm").get_parameter(Name=names[0])["Parameter"]
        return masking.remember(str(parameter["Value"]))

    def _or_why_not(self, what: str, step: Callable[[], Verdict]) -> Verdict:
        try:
            return step()
        except KeyError as error:
            return Verdict(f"{what} could not be run: {error.args[0]} is not there")
        except (ClientError, BotoCoreError, SlipwayError, requests.RequestException) as error:
            return Verdict(f"{what} could not be run: {error}")


def find(context: Context, spec: StackSpec, log: Log, *, served_before: bool = False) -> Gate | None:
    """The gate of a stack's service; None while the service is not there yet."""
    there = stack_resources.read(context.aws.client("cloudformation"), spec.name)
    if not there.service_arn:
        return None
    url, balancers = "", there.of_type(stack_resources.LOAD_BALANCER)
    if balancers:
        found = context.aws.client("elbv2").describe_load_balancers(LoadBalancerArns=balancers[:1])
        url = f"http://{found['LoadBalancers'][0]['DNSName']}"
    return Gate(context, spec, there.physical, there.service_arn, url, log, served_before)
