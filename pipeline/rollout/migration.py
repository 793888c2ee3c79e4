"""The database migration as a one-off task from the new task definition, with a role and network of its own.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import stopped_tasks
from pipeline.aws.errors import Tolerated
from pipeline.aws.service_deployment import Revision
from pipeline.aws.stopped_tasks import last_words, or_reason
from pipeline.errors import AwsRefusedError, WaitTimeoutError
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import ContainerTypeDef, TaskTypeDef
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import GetLogEventsRequestTypeDef

CONTAINER = "app"
COMMAND = ("migrate",)
_KEPT = 20
_MISSED = 20
"""Looks in which DescribeTasks may not know a task that was just started: ECS is eventually consistent."""


@dataclass(frozen=True)
class Place:
    """The cluster, task role and security groups that the migration runs with."""

    cluster: str
    role_arn: str
    security_groups: tuple[str, ...]


@dataclass
class Migration:
    """How a migration ended. fault: "" where it succeeded; lines: the last lines of its log."""

    fault: str = ""
    lines: list[str] = field(default_factory=list)


def run(
    ecs: "ECSClient",
    logs: "CloudWatchLogsClient",
    revision: Revision,
    place: Place,
    started_by: str,
    log: Callable[[str], None],
    wait: Wait,
    timeout: float,
) -> Migration:
    """Run the migration of a revision to its end, and log its lines as they come. timeout: seconds.

    started_by: names this migration. A task that was started under this name, running or ended, is taken as
    it is, so that a second runner does not migrate twice. Raises CouldNotStart where ECS starts no task.
    """
    task = _earlier(ecs, place.cluster, started_by) or _start(ecs, revision, place, started_by)
    missed = 0
    reader = _Log(ecs, logs, revision.task_definition, task.rsplit("/", 1)[-1], log)
    log(f"the migration runs as task {task.rsplit('/', 1)[-1]}")

    def probe() -> "TaskTypeDef | None":
        nonlocal missed
        found = ecs.describe_tasks(cluster=place.cluster, tasks=[task])["tasks"]
        reader.read()
        if not found and (missed := missed + 1) < _MISSED:
            return None
        if not found:
            return {"stoppedReason": "ECS no longer knows the task", "containers": []}
        return found[0] if found[0]["lastStatus"] == "STOPPED" else None

    try:
        ended = wait(probe, what="the migration", timeout=timeout)
    except WaitTimeoutError:
        ecs.stop_task(cluster=place.cluster, task=task, reason="slipway: the migration took too long")
        return Migration(f"it did not end within {timeout:.0f} s", reader.lines)
    reader.read()
    fault, lines = _fault(ended), reader.lines
    if fault and (others := [one["name"] for one in _others(ended)]):
        name, definition = task.rsplit("/", 1)[-1], revision.task_definition
        lines = lines + or_reason(lambda: last_words(ecs, logs, name, definition, others))
    return Migration(fault, lines)


def _earlier(ecs: "ECSClient", cluster: str, started_by: str) -> str | None:
    """The migration's task that runs, else the task that ended not long ago.

    ListTasks documents `startedBy` as the only filter. Where ECS refuses a second filter, an ended task is
    not looked for, and RunTask's client token still prevents a second task.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    """
    found = ecs.list_tasks(cluster=cluster, startedBy=started_by)["taskArns"]
    if not found:
        with Tolerated("InvalidParameterException"):
            ended = ecs.list_tasks(cluster=cluster, startedBy=started_by, desiredStatus="STOPPED")
            found = ended["taskArns"]
    return found[0] if found else None


def _start(ecs: "ECSClient", revision: Revision, place: Place, started_by: str) -> str:
    answer = ecs.run_task(
        cluster=place.cluster,
        taskDefinition=revision.task_definition,
        launchType="FARGATE",
        count=1,
        startedBy=started_by,
        clientToken=started_by.rsplit("/", 1)[-1],
        propagateTags="TASK_DEFINITION",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": list(revision.subnets),
                "securityGroups": list(place.security_groups),
                "assignPublicIp": revision.public_ip,
            }
        },
        overrides={
            "taskRoleArn": place.role_arn,
            "containerOverrides": [{"name": CONTAINER, "command": list(COMMAND)}],
        },
    )
    if not answer.get("tasks"):
        reasons = [f"{f.get('reason', '')} {f.get('detail', '')}".strip() for f in answer.get("failures", [])]
        raise AwsRefusedError("; ".join(reasons) or "ECS started no task and gave no reason")
    return answer["tasks"][0]["taskArn"]


def _others(task: "TaskTypeDef") -> "list[ContainerTypeDef]":
    """The containers that ended the task before the migration could; [] where the migration itself failed."""
    culprits = stopped_tasks.culprits(task["containers"])
    return [] if any(one["name"] == CONTAINER for one in culprits) else culprits


def _fault(task: "TaskTypeDef") -> str:
    """Why the migration failed. Another container that ended the task is named."""
    container: ContainerTypeDef = next((c for c in task["containers"] if c["name"] == CONTAINER), None) or {}
    if container.get("exitCode") == 0:
        return ""
    if others := _others(task):
        words = " and ".join(stopped_tasks.ended(one) for one in others)
        return f"container {words}, which ended the task ({task.get('stoppedReason', 'no reason given')})"
    code = container.get("exitCode")
    words = "it did not start" if code is None else f"it exited with {code}"
    reasons: Sequence[str] = [r for r in (container.get("reason"), task.get("stoppedReason")) if r]
    return f"{words} ({'; '.join(reasons)})" if reasons else words


class _Log:
    """The task's log stream, which exists from its first line on. A log stream that can't be read does not
    fail the migration.
    """

    def __init__(
        self,
        ecs: "ECSClient",
        logs: "CloudWatchLogsClient",
        definition: str,
        task_id: str,
        log: Callable[[str], None],
    ) -> None:
        self._logs, self._log, self._complained = logs, log, False
        self.lines: list[str] = []
        self._request: GetLogEventsRequestTypeDef | None = None
        place = stopped_tasks.log_streams(ecs, definition, task_id).get(CONTAINER)
        if place is not None:
            group, stream = place
            self._request = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}

    def read(self) -> None:
        if self._request is None:
            return
        try:
            answer = self._logs.get_log_events(**self._request)
        except (ClientError, BotoCoreError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            if code != "ResourceNotFoundException" and not self._complained:
                self._log(f"(the migration's log is not readable: {error})")
                self._complained = True
            return
        if answer.get("nextForwardToken"):
            self._request["nextToken"] = answer["nextForwardToken"]
        for event in answer["events"]:
            line = event["message"].rstrip()
            self.lines = [*self.lines, line][-_KEPT:]
            self._log(f"  {line}")
