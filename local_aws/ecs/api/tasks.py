"""RunTask, StopTask, DescribeTasks and ListTasks.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from typing import Any

from local_aws.ecs.api.requests import Checks, invalid, name_in
from local_aws.ecs.deployments.scheduler import Scheduler
from local_aws.ecs.tasks.task import Task
from local_aws.emulator.refusals import RefusedError

Request = dict[str, Any]
Answer = dict[str, Any]
OVERRIDES = {"containerOverrides", "executionRoleArn", "taskRoleArn"}


class TaskOperations:
    """The operations on tasks."""

    def __init__(self, scheduler: Scheduler, checks: Checks) -> None:
        self._scheduler = scheduler
        self._checks = checks

    def run(self, request: Request) -> Answer:
        cluster = self._checks.cluster_arn(request.get("cluster"))
        definition = self._checks.definition(request.get("taskDefinition") or "")
        network = request.get("networkConfiguration") or {}
        self._checks.network(network, definition)
        if undone := sorted(set(request.get("overrides") or {}) - OVERRIDES):
            raise invalid(f"the local AWS does not do overrides of {', '.join(undone)} of a task")
        names = {one["name"] for one in definition["containerDefinitions"]}
        for override in (request.get("overrides") or {}).get("containerOverrides") or []:
            if undone := sorted(set(override) - {"name", "command", "environment"}):
                raise invalid(f"the local AWS does not do overrides of {', '.join(undone)} of a container")
            if override.get("name") not in names:
                raise invalid(
                    "Override for container named "
                    f"{override.get('name')} is not a container in the TaskDefinition."
                )
        started = []
        for _ in range(int(request.get("count", 1))):
            task = Task(
                definition=definition,
                cluster_arn=cluster,
                group=request.get("group") or f"family:{definition['family']}",
                started_by=request.get("startedBy") or "",
                overrides=request.get("overrides") or {},
                network=network,
                tags=request.get("tags") or [],
            )
            self._scheduler.fleet.run(task)
            started.append(task.describe())
        return {"tasks": started, "failures": []}

    def stop(self, request: Request) -> Answer:
        task = self._find(request.get("cluster"), request["task"])
        reason = request.get("reason") or "Task stopped by user"
        self._scheduler.fleet.runs[task.arn].stop("UserInitiated", reason)
        return {"task": task.describe()}

    def describe(self, request: Request) -> Answer:
        self._checks.cluster_arn(request.get("cluster"))
        found, failures = [], []
        for reference in request.get("tasks") or []:
            try:
                found.append(self._find(request.get("cluster"), reference).describe())
            except RefusedError:
                failures.append({"arn": reference, "reason": "MISSING"})
        return {"tasks": found, "failures": failures}

    def list(self, request: Request) -> Answer:
        """ListTasks: running tasks, or stopped tasks with desiredStatus STOPPED; newest first."""
        cluster = self._checks.cluster_arn(request.get("cluster"))
        wanted = request.get("desiredStatus") or "RUNNING"
        family, service = request.get("family"), request.get("serviceName")
        found = [
            task
            for task in self._scheduler.fleet.tasks()
            if task.cluster_arn == cluster
            and task.desired_status == wanted
            and (not family or task.definition["family"] == family)
            and (not service or task.group == f"service:{name_in(service)}")
            and (not request.get("startedBy") or task.started_by == request["startedBy"])
        ]
        return {"taskArns": [task.arn for task in sorted(found, key=lambda one: -one.created_at)]}

    def _find(self, cluster: str | None, reference: str) -> Task:
        cluster_arn = self._checks.cluster_arn(cluster)
        for task in self._scheduler.fleet.tasks():
            if task.cluster_arn == cluster_arn and task.id == name_in(reference):
                return task
        raise invalid("The referenced task was not found.")
