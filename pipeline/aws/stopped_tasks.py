"""Why an ECS service did not come up: its events, why its tasks stopped, and their last words.

Read while the stack is still at work: a rollback deletes the log group, and ECS forgets stopped tasks.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws.errors import Tolerated
from pipeline.errors import SlipwayError

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import ContainerTypeDef, TaskTypeDef
    from types_boto3_logs import CloudWatchLogsClient

_EVENTS = 6
_TROUBLE = re.compile(r"unable|fail|unhealthy|insufficient|error|rolling back", re.IGNORECASE)
_LINES = 20
_LONGEST = 200
# SIGKILL and SIGTERM: so ends a container that is stopped because another one ended.
_STOPPED_BY_ECS = (137, 143)
# A task that ECS stops for these reasons has not failed: it was replaced or scaled in.
_HARMLESS = ("Scaling activity initiated by", "Task stopped by user")


@dataclass(frozen=True)
class StoppedTask:
    """A task that failed: why, and which of its containers ended how. culprits: those that ended the task."""

    task_id: str
    definition: str
    reason: str
    containers: tuple[str, ...]
    failed_containers: tuple[str, ...]
    culprits: tuple[str, ...] = ()


class StoppedTaskWatcher:
    """Looks at a service's tasks while its stack is being deployed, and says at once what stopped and why.

    `cluster` is the cluster's name; tasks count that were created after `since` by a service of `stack_name`.
    """

    def __init__(
        self,
        ecs: "ECSClient",
        logs: "CloudWatchLogsClient",
        *,
        cluster: str,
        stack_name: str,
        since: datetime,
        log: Callable[[str], None],
    ) -> None:
        self._ecs, self._logs, self._log = ecs, logs, log
        self._cluster, self._stack_name, self._since = cluster, stack_name, since
        self._told: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        self._seen: set[str] = set()

    def look(self) -> None:
        """Tell tasks that failed since the last look; alike ones once. Never raises AWS's own errors."""
        try:
            tasks = self._stopped()
        except (ClientError, BotoCoreError):
            return  # the deploy itself goes on, and the next look may see more
        for task in judge(tasks, self._since):
            if (task.reason, task.containers) not in self._told:
                lines = [f"task {task.task_id} stopped: {task.reason}"]
                lines += [f"  container {text}" for text in task.containers]
                lines += or_reason(lambda task=task: _words_of(self._ecs, self._logs, task))  # type: ignore[misc]
                self._told[task.reason, task.containers] = lines
                for line in lines:
                    self._log(line)

    def diagnostics(self, service_arn: str) -> list[str]:
        """Lines for the error: the service's own events where it is known, then the tasks that failed."""
        self.look()
        lines: list[str] = []
        if service_arn:
            lines += or_reason(lambda: _service_events(self._ecs, service_arn, self._since))
        for told in list(self._told.values())[-2:]:
            lines += told
        return lines

    def _stopped(self) -> "list[TaskTypeDef]":
        arns = self._ecs.list_tasks(cluster=self._cluster, desiredStatus="STOPPED")["taskArns"]
        new = [arn for arn in arns if arn not in self._seen][:100]
        if not new:
            return []
        tasks = self._ecs.describe_tasks(cluster=self._cluster, tasks=new)["tasks"]
        over = [task for task in tasks if task.get("lastStatus", "STOPPED") == "STOPPED"]
        self._seen.update(task["taskArn"] for task in over)
        # CloudFormation names a service <stack>-<logical id>-<random> where the template gives it no name.
        return [task for task in over if self._stack_name in task.get("group", self._stack_name)]


def judge(tasks: "Sequence[TaskTypeDef]", since: datetime) -> list[StoppedTask]:
    """Of DescribeTasks' answer, the tasks since then that failed; the latest first, one per reason."""
    failed: dict[tuple[str, tuple[str, ...]], StoppedTask] = {}
    for task in sorted(tasks, key=lambda t: t.get("stoppedAt") or t["createdAt"], reverse=True):
        reason = task.get("stoppedReason", "no reason given")
        if task["createdAt"] < since or reason.startswith(_HARMLESS):
            continue
        containers = task.get("containers", [])
        stopped = StoppedTask(
            task_id=task["taskArn"].rsplit("/", 1)[-1],
            definition=task["taskDefinitionArn"],
            reason=reason,
            containers=tuple(ended(c) for c in containers),
            failed_containers=tuple(c["name"] for c in containers if c.get("exitCode", 1) != 0)
            or tuple(c["name"] for c in containers),
            culprits=tuple(c["name"] for c in culprits(containers)),
        )
        failed.setdefault((reason, stopped.containers), stopped)
    return list(failed.values())


def culprits(containers: "Sequence[ContainerTypeDef]") -> "list[ContainerTypeDef]":
    """The containers that ended a task by themselves; [] where ECS stopped all of them.

    An exit code comes before a reason such as OutOfMemoryError, and both come before a container that was
    stopped because of another one. A container that ended well ends a task as well, where it is essential.
    """
    failed = [c for c in containers if c.get("exitCode", 0) not in (0, *_STOPPED_BY_ECS)]
    reasoned = [c for c in containers if c.get("reason")]
    return failed or reasoned


def ended(container: "ContainerTypeDef") -> str:
    """`app exited with 1 (OutOfMemoryError: ...)`, or `app did not start (...)`."""
    code = container.get("exitCode")
    words = [container["name"], "did not start" if code is None else f"exited with {code}"]
    if container.get("reason"):
        words.append(f"({container['reason']})")
    return " ".join(words)


def last_word(lines: Sequence[str]) -> str:
    """The last line that says anything, shortened; "" where none does."""
    return next((line.strip()[:_LONGEST] for line in reversed(lines) if line.strip()), "")


def _service_events(ecs: "ECSClient", service_arn: str, since: datetime) -> list[str]:
    cluster, service = names(service_arn)
    found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    events = [
        event["message"]
        for event in (found[0].get("events", []) if found else [])
        if event["createdAt"] >= since and _TROUBLE.search(event["message"])
    ]
    return [f"service event: {message}" for message in reversed(events[:_EVENTS])]


def _words_of(ecs: "ECSClient", logs: "CloudWatchLogsClient", task: StoppedTask) -> list[str]:
    return last_words(ecs, logs, task.task_id, task.definition, task.failed_containers)


def last_words(
    ecs: "ECSClient",
    logs: "CloudWatchLogsClient",
    task_id: str,
    task_definition: str,
    containers: Sequence[str],
) -> list[str]:
    """The last log lines of a task's containers, those of the names `containers`."""
    lines: list[str] = []
    for name, place in log_streams(ecs, task_definition, task_id).items():
        written = or_reason(lambda: _latest_lines(logs, *place)) if name in containers else []  # noqa: B023
        if written:
            lines.append(f"  last log lines of {name}:")
            lines += [f"    {line}" for line in written]
    return lines


def log_streams(ecs: "ECSClient", task_definition: str, task_id: str) -> dict[str, tuple[str, str]]:
    """Container -> the log group and the log stream of a task's container, where it logs to CloudWatch."""
    definition = ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    found: dict[str, tuple[str, str]] = {}
    for container in definition["containerDefinitions"]:
        options, name = container.get("logConfiguration", {}).get("options", {}), container["name"]
        if "awslogs-group" in options:
            prefix = options.get("awslogs-stream-prefix", "ecs")
            found[name] = options["awslogs-group"], f"{prefix}/{name}/{task_id}"
    return found


def _latest_lines(logs: "CloudWatchLogsClient", group: str, stream: str) -> list[str]:
    # A stream begins with its first line: without one, the container never started, or said nothing.
    with Tolerated("ResourceNotFoundException"):
        found = logs.get_log_events(
            logGroupName=group, logStreamName=stream, limit=_LINES, startFromHead=False
        )
        return [event["message"].rstrip() for event in found["events"]]
    return []


def names(service_arn: str) -> tuple[str, str]:
    """The names of the cluster and of the service in a service's ARN."""
    parts = service_arn.split(":")[-1].split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("default", parts[-1])


def or_reason(step: Callable[[], list[str]]) -> list[str]:
    """The lines that `step` gives, or one that says why they could not be read."""
    try:
        return step()
    except (ClientError, BotoCoreError, SlipwayError) as error:
        return [f"(not readable: {error})"]
