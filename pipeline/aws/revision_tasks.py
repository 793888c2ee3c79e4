"""The tasks of a service revision that is given up: what is wrong with them, by ECS, the load balancer and
their last log lines.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/check-target-health.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pipeline.aws import stopped_tasks
from pipeline.aws.stopped_tasks import StoppedTask

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import TaskDefinitionTypeDef, TaskTypeDef
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client
    from types_boto3_elbv2.type_defs import TargetGroupTypeDef, TargetHealthDescriptionTypeDef
    from types_boto3_logs import CloudWatchLogsClient

_TASKS = 2
"""How many tasks are told of; the tasks of one revision tend to fail for the same reason."""
_FAILED = "Health checks failed"
"""All that AWS says where a health check gets no HTTP answer."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Evidence:
    """cause: what is wrong with a revision's tasks, in one sentence, "" where nothing is known to be.

    lines: more about the tasks, down to their last log lines.
    """

    cause: str = ""
    lines: tuple[str, ...] = ()

    def before(self, effect: str) -> str:
        """The cause, if there is one, and then the effect by which the cause was noticed."""
        return f"{self.cause}; {effect}" if self.cause else effect


def of_tasks(
    ecs: "ECSClient",
    logs: "CloudWatchLogsClient",
    elbv2: "ElasticLoadBalancingv2Client",
    service_arn: str,
    definition: str,
    target_groups: Sequence[str],
) -> Evidence:
    """The evidence on the service's tasks of the task definition `definition`: those that run, and those that
    stopped within the last hour.
    """
    running = _tasks(ecs, service_arn, "RUNNING", definition)
    over = _tasks(ecs, service_arn, "STOPPED", definition)
    if not running and not over:
        return Evidence(lines=("no task of the new version runs",))
    targets, described = _targets(elbv2, target_groups), _described(ecs, definition)
    shown = (running or over)[:_TASKS]
    lines = [line for task in shown for line in _health(task, targets)]
    failed = stopped_tasks.judge(over, _ALWAYS)
    crashed = next(((task, names) for task in failed if (names := _culprits(task, described))), None)
    if crashed is not None:
        task, names = crashed
        words = stopped_tasks.last_words(ecs, logs, task.task_id, definition, names)
        return Evidence(_crash(task, names, words), (*_stopped(task), *lines, *words))
    containers = [container["name"] for container in shown[0].get("containers", [])]
    words = stopped_tasks.last_words(ecs, logs, _id(shown[0]), definition, containers)
    own = [targets[one] for task in shown for one in _addresses(task) if one in targets]
    opened, last = _open_ports(described), stopped_tasks.last_word(words)
    causes = [target.cause(opened, last) for target in own if target.failed]
    causes += [f"task {task.task_id} stopped: {task.reason}" for task in failed]
    return Evidence(causes[0] if causes else "", (*lines, *words))


@dataclass(frozen=True)
class _Target:
    """A target of a target group, as the load balancer describes both."""

    group: "TargetGroupTypeDef"
    described: "TargetHealthDescriptionTypeDef"

    @property
    def health(self) -> str:
        health = self.described["TargetHealth"]
        why = [health[key] for key in ("Reason", "Description") if health.get(key)]
        return ": ".join([health["State"], *why])

    @property
    def failed(self) -> bool:
        return self.described["TargetHealth"]["State"] == "unhealthy"

    def cause(self, opened: Sequence[int], last: str) -> str:
        """What the health check got. opened: ports that the task definition opens; last: the last log line.

        AWS tells an answer's status and a timeout. A connection that is refused, or an answer that is no
        HTTP, is Target.FailedHealthChecks there; the local AWS says more in the description.
        """
        health, port = self.described["TargetHealth"], str(self.described.get("HealthCheckPort", "?"))
        asked = f"the health check of {self.group.get('HealthCheckPath', '/')} on port {port}"
        reason, said = health.get("Reason", ""), health.get("Description", "")
        if reason == "Target.ResponseCodeMismatch":
            wanted = self.group.get("Matcher", {}).get("HttpCode", "200")
            return f"{asked} was answered {said.rpartition(': ')[2].strip('[]')}, and {wanted} is wanted"
        if reason == "Target.Timeout":
            return f"{asked} was not answered within {self.group.get('HealthCheckTimeoutSeconds', '?')} s"
        if reason != "Target.FailedHealthChecks":
            return f"{asked} fails: {said or reason}"
        last = f"; the last log line is: {last}" if last else ""
        if known := said.removeprefix(f"{_FAILED}: ").removeprefix(_FAILED):
            return f"{asked}: {known}{last}"
        ports = ", ".join(map(str, opened)) or "no port"
        beside = "" if port in map(str, opened) else f"; the task definition opens {ports}"
        return f"{asked} got no connection, or no answer in HTTP{beside}{last}"


def _culprits(task: StoppedTask, described: "TaskDefinitionTypeDef") -> list[str]:
    """The containers that ended a task. An essential container ends its task also when it ends well."""
    if task.culprits or not task.reason.startswith("Essential container"):
        return list(task.culprits)
    essential = [c["name"] for c in described["containerDefinitions"] if c.get("essential", True)]
    return [name for name in essential if f"{name} exited with 0" in task.containers]


def _crash(task: StoppedTask, names: Sequence[str], words: Sequence[str]) -> str:
    text = next(text for text in task.containers if text.startswith(f"{names[0]} "))
    last = stopped_tasks.last_word(words)
    return f"container {text}" + (f": {last}" if last else "")


def _stopped(task: StoppedTask) -> list[str]:
    return [
        f"task {task.task_id} stopped: {task.reason}",
        *(f"  container {text}" for text in task.containers),
    ]


def _tasks(
    ecs: "ECSClient", service_arn: str, status: Literal["RUNNING", "STOPPED"], definition: str
) -> "list[TaskTypeDef]":
    cluster, service = stopped_tasks.names(service_arn)
    arns = ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus=status)["taskArns"][:100]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return [task for task in tasks if task["taskDefinitionArn"] == definition]


def _health(task: "TaskTypeDef", targets: Mapping[str, _Target]) -> list[str]:
    lines = [f"task {_id(task)} is {task['lastStatus']}"]
    lines += [
        f"  health of container {container['name']}: {container.get('healthStatus', 'UNKNOWN')}"
        for container in task.get("containers", [])
        if container.get("lastStatus") == "RUNNING"
    ]
    return lines + [
        f"  health of target {one}: {targets[one].health}" for one in _addresses(task) if one in targets
    ]


def _addresses(task: "TaskTypeDef") -> list[str]:
    details = [detail for attachment in task.get("attachments", []) for detail in attachment["details"]]
    return [detail["value"] for detail in details if detail["name"] == "privateIPv4Address"]


def _targets(elbv2: "ElasticLoadBalancingv2Client", target_groups: Sequence[str]) -> dict[str, _Target]:
    """The targets by their address."""
    if not target_groups:
        return {}
    groups = elbv2.describe_target_groups(TargetGroupArns=list(target_groups))["TargetGroups"]
    return {
        target["Target"]["Id"]: _Target(group, target)
        for group in groups
        for target in elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
            "TargetHealthDescriptions"
        ]
    }


def _described(ecs: "ECSClient", definition: str) -> "TaskDefinitionTypeDef":
    return ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]


def _open_ports(described: "TaskDefinitionTypeDef") -> list[int]:
    mappings = [one for c in described["containerDefinitions"] for one in c.get("portMappings", [])]
    return sorted({mapping["containerPort"] for mapping in mappings})


def _id(task: "TaskTypeDef") -> str:
    return task["taskArn"].rsplit("/", 1)[-1]
