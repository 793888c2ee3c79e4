"""The tasks of a service revision that is given up: their health by ECS and by the load balancer, and their
last log lines.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/check-target-health.html
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.aws import stopped_tasks

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import TaskTypeDef
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client
    from types_boto3_logs import CloudWatchLogsClient

_TASKS = 2
"""How many tasks are told of; the tasks of one revision tend to fail for the same reason."""


def of_tasks(
    ecs: "ECSClient",
    logs: "CloudWatchLogsClient",
    elbv2: "ElasticLoadBalancingv2Client",
    service_arn: str,
    definition: str,
    target_groups: Sequence[str],
) -> list[str]:
    """Lines on the service's tasks of the task definition `definition`: on those that run, else on those that
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
    containers = [container["name"] for container in own[0].get("containers", [])]
    return [*lines, *stopped_tasks.last_words(ecs, logs, _id(own[0]), definition, containers)]


def _health(task: "TaskTypeDef", targets: Mapping[str, str]) -> list[str]:
    lines = [f"task {_id(task)} is {task['lastStatus']}"]
    lines += [
        f"  health of container {container['name']}: {container.get('healthStatus', 'UNKNOWN')}"
        for container in task.get("containers", [])
        if container.get("lastStatus") == "RUNNING"
    ]
    details = [detail for attachment in task.get("attachments", []) for detail in attachment["details"]]
    addresses = [detail["value"] for detail in details if detail["name"] == "privateIPv4Address"]
    return lines + [f"  health of target {one}: {targets[one]}" for one in addresses if one in targets]


def _by_address(elbv2: "ElasticLoadBalancingv2Client", target_groups: Sequence[str]) -> dict[str, str]:
    found = {}
    for group in target_groups:
        for target in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
            health = target["TargetHealth"]
            why = [health[key] for key in ("Reason", "Description") if health.get(key)]
            found[target["Target"]["Id"]] = ": ".join([health["State"], *why])
    return found


def _id(task: "TaskTypeDef") -> str:
    return task["taskArn"].rsplit("/", 1)[-1]
