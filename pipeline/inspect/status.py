"""The status of an environment: stacks, the version that serves, tasks and targets. Read only."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import requests

from pipeline.aws import databases
from pipeline.aws.databases import Database
from pipeline.aws.release_record import Release
from pipeline.checks import smoke, suite
from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.interruptions import DATABASE
from pipeline.cloudformation.stacks import StackDescription
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.image import registry
from pipeline.inspect import history

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import DeploymentTypeDef, LoadBalancerTypeDef, ServiceTypeDef
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client


_VersionOf = Callable[[str | None], str | None]


@dataclass(frozen=True)
class StackLine:
    """One stack. status: "-" where the stack does not exist; node: "" where the stack's template is gone."""

    node: str
    stack: str
    status: str
    changed_at: str
    reason: str

    @property
    def note(self) -> str:
        """What to know of a stack whose template is gone, else ""."""
        return "" if self.node else stacks.TEMPLATE_IS_GONE


@dataclass(frozen=True)
class TaskLine:
    """One running task. version: the tag of its image in ECR."""

    task_id: str
    status: str
    health: str
    version: str
    started_at: str


@dataclass(frozen=True)
class TargetLine:
    """One registered target."""

    group: str
    address: str
    state: str
    reason: str


@dataclass(frozen=True)
class Overview:
    """An environment as AWS shows it. service: how many tasks run; deployments: a line for each.
    released: the last release whose version may serve, None where nothing is remembered.
    """

    environment: str
    stacks: tuple[StackLine, ...]
    url: str | None = None
    image: str | None = None
    version: str | None = None
    service: str | None = None
    deployments: tuple[str, ...] = ()
    tasks: tuple[TaskLine, ...] = ()
    targets: tuple[TargetLine, ...] = ()
    databases: tuple[Database, ...] = ()
    released: Release | None = None


def describe(context: Context) -> Overview:
    """Read from AWS everything that `status` shows."""
    lines, outputs, found = [], dict[str, str](), list[Database]()
    for name, node in context.stacks.items():
        current = context.current(node)
        if current is not None and node.template.has(DATABASE):
            found += _databases(context, current.name)
        outputs.update(current.outputs if current else {})
        lines.append(_stack(name, context.stack_name(node), current))
    lines += [_stack("", current.name, current) for current in context.left_over()]
    url, image = outputs.get("ServiceUrl"), outputs.get("ImageInUse")
    released = history.last(context)
    seen = Overview(
        context.environment.name, tuple(lines), url, image, databases=tuple(found), released=released
    )
    if "ServiceArn" not in outputs:
        return seen
    cluster, arn = outputs.get("ClusterName", "default"), outputs["ServiceArn"]
    ecs = context.aws.client("ecs")
    services = ecs.describe_services(cluster=cluster, services=[arn])["services"]
    service: ServiceTypeDef = services[0] if services else {}
    version_of = _versions(context, outputs.get("RepositoryUri"))
    return replace(
        seen,
        version=version_of(image),
        service=f"{service.get('runningCount', 0)} of {service.get('desiredCount', 0)} tasks run, "
        f"{service.get('pendingCount', 0)} pending",
        deployments=tuple(_deployment(d) for d in service.get("deployments", [])),
        tasks=tuple(_tasks(ecs, cluster, arn, version_of)),
        targets=tuple(_targets(context.aws.client("elbv2"), service.get("loadBalancers", []))),
    )


def run_smoke_tests(
    context: Context, told: Callable[[smoke.Outcome], None]
) -> tuple[str, str | None, list[smoke.Outcome]]:
    """Run the smoke tests against what is deployed. Gives the URL, the image's version and the outcomes.

    Raises UsageError where nothing is deployed.
    """
    outputs = context.live_outputs()
    url = outputs.get("ServiceUrl")
    if url is None:
        raise UsageError(
            f"there is no service in {context.environment.name}",
            why="no stack gives the output ServiceUrl",
            next_step=f"python -m pipeline deploy {context.environment.name}",
        )
    version = _versions(context, outputs.get("RepositoryUri"))(outputs.get("ImageInUse"))
    with requests.Session() as http:
        checks = smoke.run(suite.checks(context, url, version), http, told, clock=context.clock)
    return url, version, checks


def _stack(node: str, name: str, current: StackDescription | None) -> StackLine:
    if current is None:
        return StackLine(node, name, "-", "", "")
    return StackLine(node, name, str(current.status), current.changed_at[:19], current.reason)


def _databases(context: Context, stack: str) -> list[Database]:
    there = resources.read(context.aws.client("cloudformation"), stack).of_type(DATABASE)
    found = (databases.describe(context.aws.client("rds"), identifier) for identifier in there)
    return [database for database in found if database is not None]


def _versions(context: Context, repository_uri: str | None) -> _VersionOf:
    """Gives the version of an image, its tag in ECR. ECR is asked for each digest once."""
    if repository_uri is None:
        return lambda _: None
    ecr = context.aws.client("ecr")
    tag_of = functools.cache(lambda digest: registry.version_of(ecr, repository_uri, digest))
    return lambda image: tag_of(image.partition("@")[2]) if image and "@" in image else None


def _deployment(deployment: "DeploymentTypeDef") -> str:
    text = (
        f"{deployment['status']}: {deployment.get('runningCount', 0)} of "
        f"{deployment.get('desiredCount', 0)} run, "
        f"{deployment.get('failedTasks', 0)} failed, {deployment.get('rolloutState', '-')}"
    )
    reason = deployment.get("rolloutStateReason")
    return f"{text} ({reason})" if reason else text


def _tasks(ecs: "ECSClient", cluster: str, service_arn: str, version_of: _VersionOf) -> Sequence[TaskLine]:
    arns = ecs.list_tasks(cluster=cluster, serviceName=service_arn.rsplit("/", 1)[-1])["taskArns"][:100]
    if not arns:
        return []
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    lines = []
    for task in sorted(tasks, key=lambda t: str(t.get("createdAt", ""))):
        images = [c.get("image", "") for c in task.get("containers", [])]
        version = next(filter(None, map(version_of, images)), "unknown")
        lines.append(
            TaskLine(
                task["taskArn"].rsplit("/", 1)[-1],
                task.get("lastStatus", ""),
                task.get("healthStatus", "UNKNOWN"),
                version,
                str(task.get("startedAt", ""))[:19],
            )
        )
    return lines


def _targets(
    elbv2: "ElasticLoadBalancingv2Client", load_balancers: "Sequence[LoadBalancerTypeDef]"
) -> Sequence[TargetLine]:
    lines = []
    for entry in load_balancers:
        alternate = entry.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
        for arn in filter(None, (entry.get("targetGroupArn"), alternate)):
            for target in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
                health = target["TargetHealth"]
                address = f"{target['Target']['Id']}:{target['Target'].get('Port', '')}"
                reason = " ".join(filter(None, (health.get("Reason"), health.get("Description"))))
                lines.append(TargetLine(arn.split("/")[-2], address, health["State"], reason))
    return lines
