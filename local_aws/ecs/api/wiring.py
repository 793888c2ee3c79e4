"""Puts ECS's scheduler, tasks, operations and resource types together."""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from local_aws.checkout import region_of
from local_aws.cloudwatch.alarms import in_alarm
from local_aws.ecs.api import service_resource, task_definitions
from local_aws.ecs.api.deployments import DeploymentOperations
from local_aws.ecs.api.requests import Checks, Operation, answering
from local_aws.ecs.api.services import ServiceOperations
from local_aws.ecs.api.tasks import TaskOperations
from local_aws.ecs.deployments.listener_rules import ListenerRules
from local_aws.ecs.deployments.scheduler import Scheduler
from local_aws.ecs.tasks.containers import Containers
from local_aws.ecs.tasks.run import TaskRun
from local_aws.ecs.tasks.secrets import SecretError, SecretStores, from_parameter_store, from_secrets_manager
from local_aws.ecs.tasks.task import Task
from local_aws.elb.records import Records
from local_aws.elb.target_groups import target_groups
from local_aws.emulator import roles
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Registry
from local_aws.host import variables


@cache
def scheduler(registry: Registry) -> Scheduler:
    """The one scheduler of a local AWS."""
    containers = Containers(registry.checkout)

    @cache
    def client(service: str, region: str) -> Any:
        return registry.client(service, region)

    def new_run(task: Task, before_stop: Callable[[Task], None], changed: Callable[[], None]) -> TaskRun:
        region = region_of(task.arn)
        return TaskRun(
            task,
            containers,
            secrets=SecretStores(
                parameters=from_parameter_store(client("ssm", region)),
                secret=from_secrets_manager(lambda its_region: client("secretsmanager", its_region)),
                denial=partial(_denial, registry, task),
            ),
            logs=lambda: client("logs", region),
            before_stop=before_stop,
            changed=changed,
        )

    made = Scheduler(
        target_groups(registry),
        Records(registry).delay,
        new_run,
        traffic=ListenerRules(registry, Records(registry)),
        alarms=lambda names: in_alarm(registry, names),
        within=lambda service: registry.scope(region_of(service.arn)),
        minute_seconds=registry.checkout.minute_seconds,
        held=variables.read(os.environ).holds,
    )
    registry.keep("ecs", made.kept, made.restore)
    registry.on_start(containers.remove_all_tasks)
    registry.on_start(containers.watch)
    registry.on_start(made.start)
    return made


def _denial(registry: Registry, task: Task, action: str, resource: str) -> str:
    """IAM's words when the execution role of the task may not do the action on the resource, else ""."""
    role = str(task.overrides.get("executionRoleArn") or task.definition.get("executionRoleArn", ""))
    with registry.scope(region_of(task.arn)):
        if not roles.is_assumable(role, "ecs-tasks.amazonaws.com"):
            raise SecretError(
                f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify "
                "that the role being passed has the proper trust relationship and permissions and that your "
                "IAM user has permissions to pass this role."
            )
        return roles.denial(role, task.id, action, resource)


def register(registry: Registry) -> None:
    running = scheduler(registry)
    checks = Checks(registry)
    services = ServiceOperations(running, checks)
    tasks = TaskOperations(running, checks)
    deployments = DeploymentOperations(running, services)
    operations: dict[str, Operation] = {
        "CreateService": services.create,
        "UpdateService": services.update,
        "DeleteService": services.delete,
        "DescribeServices": services.describe,
        "ListServices": services.list,
        "ListServiceDeployments": deployments.list,
        "DescribeServiceDeployments": deployments.describe,
        "DescribeServiceRevisions": deployments.describe_revisions,
        "ContinueServiceDeployment": deployments.proceed,
        "StopServiceDeployment": deployments.stop,
        "RunTask": tasks.run,
        "StopTask": tasks.stop,
        "DescribeTasks": tasks.describe,
        "ListTasks": tasks.list,
    }
    for name, operation in operations.items():
        registry.operation("ecs", name, answering(operation))
    task_definitions.register(registry)
    service_resource.register(registry, services)
    _refuse_busy_clusters(registry, running, checks)
    registry.run_no_services()


def _refuse_busy_clusters(registry: Registry, running: Scheduler, checks: Checks) -> None:
    def check(request: dict[str, Any]) -> None:
        arn = checks.cluster_arn(request.get("cluster"))
        if any(s.cluster_arn == arn and s.status != "INACTIVE" for s in running.services.values()):
            raise RefusedError(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
            )
        if any(task.cluster_arn == arn and not task.is_over for task in running.fleet.tasks()):
            raise RefusedError(
                "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."
            )

    registry.check_operation("ecs", "DeleteCluster", check)
