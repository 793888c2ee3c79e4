"""An ECS service deployment as a value, and the calls that find, answer and stop one.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from pipeline.aws.retries import DoneBefore
from pipeline.errors import AwsRefusedError

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient, type_defs
    from types_boto3_ecs.literals import AssignPublicIpType, ServiceDeploymentStatusType

ENDED: "Sequence[ServiceDeploymentStatusType]" = (
    "SUCCESSFUL",
    "STOPPED",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
)
UNDER_WAY: "Sequence[ServiceDeploymentStatusType]" = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)
_ROLLING_BACK = frozenset(UNDER_WAY[2:])
FAILED = ENDED[1:]
_GONE = ("ServiceNotFoundException", "ClusterNotFoundException")


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook of the stage that the deployment is in. kind: PAUSE or AWS_LAMBDA.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
    """

    hook_id: str
    kind: str
    status: str

    @property
    def waits_for_an_answer(self) -> bool:
        """ECS pauses at this hook until ContinueServiceDeployment is called."""
        return self.kind == "PAUSE" and self.status == "AWAITING_ACTION"


@dataclass(frozen=True)
class ServiceDeployment:
    """What DescribeServiceDeployments shows of one deployment. stage: "" before the first stage.

    target, sources: ARNs of the new service revision and of those it replaces. running, requested: tasks of
    the new revision. production_weight: percent of the production traffic that goes to the new revision.
    """

    arn: str
    status: str
    created_at: datetime
    stage: str = ""
    reason: str = ""
    target: str = ""
    sources: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    running: int = 0
    requested: int = 0
    production_weight: float = 0.0
    triggered_alarms: tuple[str, ...] = ()
    alarm_status: str = ""
    rollback_reason: str = ""
    strategy: str = ""

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def under_way(self) -> bool:
        """Not at its end. A status that this module does not know is no end."""
        return self.status not in ENDED

    @property
    def rolling_back(self) -> bool:
        """ECS puts the earlier revision back, or has been asked to."""
        return self.status in _ROLLING_BACK

    @property
    def failed(self) -> bool:
        """The deployment ended, and the new revision does not serve."""
        return self.status in FAILED

    @property
    def halfway(self) -> bool:
        """The deployment ended, and neither the new revision nor the one before is sure to serve."""
        return self.status in ("STOPPED", "ROLLBACK_FAILED")

    @property
    def rolling(self) -> bool:
        """ECS replaces task by task: without stages, and both versions answer until the end."""
        return self.strategy == "ROLLING"

    @property
    def is_the_first(self) -> bool:
        """Nothing served before this deployment."""
        return not self.sources

    @property
    def why(self) -> str:
        """ECS's reason for the rollback, else for the status."""
        return self.rollback_reason or self.reason


@dataclass(frozen=True)
class Revision:
    """A service revision: what runs, and in which network. image: by digest where ECS knows the digest."""

    arn: str
    task_definition: str
    image: str
    subnets: tuple[str, ...]
    public_ip: "AssignPublicIpType"

    @property
    def digest(self) -> str:
        """`sha256:...`, or "" where the image is not named by digest."""
        return self.image.partition("@")[2]


def latest(ecs: "ECSClient", service_arn: str, *, after: datetime | None = None) -> ServiceDeployment | None:
    """The deployment that is under way, else the one created last, else None.

    after: a deployment that has ended is looked for among those created since then, not among all that ECS
    keeps. ECS counts whole seconds here, so an earlier one may be given, too.
    """
    briefs = list(listed(ecs, service_arn, UNDER_WAY)) or list(listed(ecs, service_arn, after=after))
    chosen = max(briefs, key=lambda brief: brief["createdAt"], default=None)
    return describe(ecs, chosen["serviceDeploymentArn"]) if chosen else None


def under_way(ecs: "ECSClient", service_arn: str) -> ServiceDeployment | None:
    """The deployment that is under way, whoever began it; None where nothing moves."""
    briefs = list(listed(ecs, service_arn, UNDER_WAY))
    chosen = max(briefs, key=lambda brief: brief["createdAt"], default=None)
    found = describe(ecs, chosen["serviceDeploymentArn"]) if chosen else None
    return found if found is not None and found.under_way else None


def describe(ecs: "ECSClient", arn: str) -> ServiceDeployment | None:
    """One deployment as it is now; None where ECS no longer knows the deployment."""
    found = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    return _read(found[0]) if found else None


def successful(ecs: "ECSClient", service_arn: str) -> list[str]:
    """The ARNs of the service revisions whose deployment succeeded, the newest first."""
    briefs = list(listed(ecs, service_arn, ("SUCCESSFUL",)))
    briefs.sort(key=lambda brief: brief["createdAt"], reverse=True)
    return [brief["targetServiceRevisionArn"] for brief in briefs]


def revision(ecs: "ECSClient", arn: str) -> Revision:
    """The service revision `arn`. Raises AwsRefusedError where ECS does not know the revision (yet)."""
    found = ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
    if not found:
        raise AwsRefusedError(f"ECS does not know {arn}", next_step="run the same command again")
    raw = found[0]
    network = raw.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    images = {image["containerName"]: image for image in raw.get("containerImages", [])}
    chosen: type_defs.ContainerImageTypeDef = images.get("app") or next(iter(images.values()), None) or {}
    image = chosen.get("image", "")
    if "@" not in image and chosen.get("imageDigest"):
        image = f"{image}@{chosen['imageDigest']}"
    return Revision(
        arn=raw["serviceRevisionArn"],
        task_definition=raw["taskDefinition"],
        image=image,
        subnets=tuple(network.get("subnets", [])),
        public_ip=network.get("assignPublicIp", "DISABLED"),
    )


def answer(
    ecs: "ECSClient", deployment: ServiceDeployment, hook: Hook, action: Literal["CONTINUE", "ROLLBACK"]
) -> None:
    """Answer a PAUSE hook: CONTINUE or ROLLBACK."""
    with DoneBefore("ClientException", "InvalidParameterException"):
        ecs.continue_service_deployment(
            serviceDeploymentArn=deployment.arn, hookId=hook.hook_id, action=action
        )


def roll_back(ecs: "ECSClient", deployment: ServiceDeployment) -> None:
    """Stop a deployment that is under way; ECS puts the earlier revision back."""
    with DoneBefore("ConflictException", "InvalidParameterException"):
        ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")


def listed(
    ecs: "ECSClient",
    service_arn: str,
    statuses: "Sequence[ServiceDeploymentStatusType]" = (),
    after: datetime | None = None,
) -> "Iterator[type_defs.ServiceDeploymentBriefTypeDef]":
    """The deployments of the service in brief, none where somebody deleted the service.

    statuses, after: only those in one of these statuses, only those created since then; unless given, all.
    ECS keeps deployments for 90 days, and lists 20 at a time unless asked for more:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
    """
    cluster = service_arn.split("/")[1]
    request: type_defs.ListServiceDeploymentsRequestTypeDef
    request = {"service": service_arn, "cluster": cluster, "maxResults": 100}
    if statuses:
        request["status"] = statuses
    if after is not None:
        request["createdAt"] = {"after": after}
    while True:  # botocore has no paginator for ListServiceDeployments
        try:
            page = ecs.list_service_deployments(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return
            raise
        yield from page["serviceDeployments"]
        if not page.get("nextToken"):
            return
        request["nextToken"] = page["nextToken"]


def _read(raw: "type_defs.ServiceDeploymentTypeDef") -> ServiceDeployment:
    target = raw.get("targetServiceRevision", {})
    alarms = raw.get("alarms", {})
    hooks = [
        Hook(hook.get("hookId", ""), hook.get("targetType", "AWS_LAMBDA"), hook.get("status", ""))
        for hook in raw.get("lifecycleHookDetails", [])
    ]
    return ServiceDeployment(
        arn=raw["serviceDeploymentArn"],
        status=raw["status"],
        created_at=raw["createdAt"],
        stage=raw.get("lifecycleStage", ""),
        reason=raw.get("statusReason", ""),
        target=target.get("arn", ""),
        sources=tuple(source["arn"] for source in raw.get("sourceServiceRevisions", [])),
        hooks=tuple(hooks),
        running=target.get("runningTaskCount", 0),
        requested=target.get("requestedTaskCount", 0),
        production_weight=target.get("requestedProductionTrafficWeight", 0.0),
        triggered_alarms=tuple(alarms.get("triggeredAlarmNames", [])),
        alarm_status=alarms.get("status", ""),
        rollback_reason=raw.get("rollback", {}).get("reason", ""),
        strategy=raw.get("deploymentConfiguration", {}).get("strategy", ""),
    )
