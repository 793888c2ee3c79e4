"""How the tasks of a service revision are, or were when they ended: their health as ECS and the load balancer
see it, and what they said last. For a version that is given up.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/check-target-health.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.aws import stopped_tasks

_TASKS = 2
"""As many are told; they tend to suffer from the same."""


class Targets(Protocol):
    """What the health of targets asks of Elastic Load Balancing."""

    def describe_target_health(self, **request: Any) -> dict[str, Any]: ...


def of_tasks(
    ecs: stopped_tasks.Ecs,
    logs: stopped_tasks.Logs,
    elbv2: Targets,
    service_arn: str,
    definition: str,
    target_groups: Sequence[str],
) -> list[str]:
    """Lines on the tasks of a service from the task definition `definition`: those that run, else those that
    stopped within the last hour.
    """
    cluster, service = stopped_tasks.names(service_arn)
    for status in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus=status)["taskArns"][:100]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        own = [task for task in tasks if task["taskDefinitionArn"] == definition][:_TASKS]
        if own:
            break
    else:
        return ["no task of the new version runs"]
    health = _by_address(elbv2, target_groups)
    lines = [line for task in own for line in _health(task, health)]
    return [*lines, *_words(ecs, logs, own[0])]


def _health(task: Mapping[str, Any], targets: Mapping[str, str]) -> list[str]:
    lines = [f"task {_id(task)} is {task['lastStatus']}"]
    lines += [
        f"  health of container {container['name']}: {container.get('healthStatus', 'UNKNOWN')}"
        for container in task.get("containers", [])
        if container.get("lastStatus") == "RUNNING"
    ]
    details = [detail for attachment in task.get("attachments", []) for detail in attachment["details"]]
    addresses = [detail["value"] for detail in details if detail["name"] == "privateIPv4Address"]
    return lines + [f"  health of target {one}: {targets[one]}" for one in addresses if one in targets]


def _by_address(elbv2: Targets, target_groups: Sequence[str]) -> dict[str, str]:
    found = {}
    for group in target_groups:
        for target in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
            health = target["TargetHealth"]
            why = [health[key] for key in ("Reason", "Description") if health.get(key)]
            found[target["Target"]["Id"]] = ": ".join([health["State"], *why])
    return found


def _words(ecs: stopped_tasks.Ecs, logs: stopped_tasks.Logs, task: Mapping[str, Any]) -> list[str]:
    names = tuple(container["name"] for container in task.get("containers", []))
    return stopped_tasks.last_words(ecs, logs, _id(task), task["taskDefinitionArn"], names)


def _id(task: Mapping[str, Any]) -> str:
    return str(task["taskArn"].rsplit("/", 1)[-1])
