"""The tasks of services: which there are, started, stopped and counted for their service's revisions."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from local_aws.ecs.services.membership import Membership
from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.rolling_decision import Decision, ServiceView, TaskView, decide, restart_pause
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.task_health import is_healthy, times_of, view_of
from local_aws.ecs.tasks.run import TaskRun
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups

KEPT_SECONDS = 3600.0  # ECS shows a stopped task for at least an hour
NewRun = Callable[[Task, Callable[[Task], None], Callable[[], None]], TaskRun]


class Fleet:
    """All tasks of one local AWS, by ARN. `lock` guards every record of the scheduler's.

    delay(target group ARN) gives its deregistration delay in seconds; changed() is told of every change.
    """

    def __init__(
        self,
        groups: TargetGroups,
        delay: Callable[[str], float],
        new_run: NewRun,
        *,
        minute_seconds: float,
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.lock = threading.RLock()
        self.runs: dict[str, TaskRun] = {}
        self.leaving: Callable[[Task, list[str]], None] = lambda *_: None
        self._groups = groups
        self._membership = Membership(groups, delay)
        self._new_run = new_run
        self._minute = minute_seconds
        self._clock = clock
        self._changed = changed

    def tasks(self, service: Service | None = None) -> list[Task]:
        """All tasks, or a service's own."""
        with self.lock:
            return [
                run.task
                for run in self.runs.values()
                if service is None
                or (run.task.group, run.task.cluster_arn) == (service.group, service.cluster_arn)
            ]

    def run(self, task: Task) -> None:
        """Start a task, of a service or of its own."""
        with self.lock:
            task.created_at = self._clock()
            self.runs[task.arn] = self._new_run(task, self._leave, self._changed)
            self.runs[task.arn].start()

    def look(self, service: Service, now: float) -> list[TaskView]:
        """Register what runs by now and count what failed; gives the tasks that are not asked to stop."""
        tasks = self.tasks(service)
        self._join(service, tasks)
        for revision in service.deployments:
            self._count(service, revision, tasks, now)
        return [
            view_of(task, service, self._groups, now)
            for task in tasks
            if task.desired_status != "STOPPED" and not task.is_over
        ]

    def times(self, service: Service) -> list[float]:
        """When time alone gives the service's tasks something to do, in seconds since 1970."""
        held = [revision.held_until for revision in service.deployments]
        return held + [time for task in self.tasks(service) for time in times_of(task, service)]

    def keep(self, service: Service, revision: TaskSet, views: Sequence[TaskView], now: float) -> Decision:
        """Start and stop tasks of one revision until it has as many as it should, whatever others have."""
        decision = decide(
            ServiceView(
                desired=service.wanted(revision),
                primary=revision.id,
                tasks=[view for view in views if view.deployment == revision.id],
                breaker=False,
                may_start=now >= revision.held_until,
            )
        )
        self.act(service, revision, decision, now)
        return decision

    def act(self, service: Service, revision: TaskSet, decision: Decision, now: float) -> None:
        """Start tasks of the revision and stop those that were chosen."""
        started = []
        for _ in range(decision.start):
            task = Task(
                definition=revision.definition,
                cluster_arn=service.cluster_arn,
                group=service.group,
                started_by=revision.id,
                network=revision.settings.get("networkConfiguration") or {},
            )
            self.run(task)
            started.append(f"(task {task.id})")
        if started:
            service.was_steady = False
            service.say(f"has started {len(started)} tasks: {' '.join(started)}.", now)
        self._stop(service, decision.stop, now)

    def forget_old(self) -> None:
        """Drop the records of tasks that stopped long ago."""
        with self.lock:
            for arn, run in list(self.runs.items()):
                if run.task.stopped_at is not None and self._clock() - run.task.stopped_at > KEPT_SECONDS:
                    del self.runs[arn]

    def _stop(self, service: Service, stop: tuple[tuple[str, str], ...], now: float) -> None:
        stopped = []
        for run in list(self.runs.values()):
            for task_id, reason in stop:
                if run.task.id == task_id:
                    if reason.startswith("Task failed"):
                        service.say(f"(task {task_id}) {reason.removeprefix('Task ')}.", now)
                    run.stop("ServiceSchedulerInitiated", reason)
                    stopped.append(f"(task {task_id})")
        if stopped:
            service.was_steady = False
            service.say(f"has stopped {len(stopped)} running tasks: {' '.join(stopped)}.", now)

    def _join(self, service: Service, tasks: list[Task]) -> None:
        """Put every task that runs into its target groups, once."""
        settings = {one.id: one.settings for one in service.deployments}
        new: Counter[str] = Counter()
        for task in tasks:
            if task.last_status == "RUNNING" and task.desired_status == "RUNNING":
                new.update(self._membership.join(task, settings.get(task.started_by, {})))
        for group, number in new.items():
            service.say(f"registered {number} targets in (target-group {group})", self._clock())

    def _count(self, service: Service, revision: TaskSet, tasks: list[Task], now: float) -> None:
        """Count the revision's failed tasks in a row, each once; a healthy one ends the row."""
        for task in tasks:
            if task.started_by != revision.id or task.id in revision.counted:
                continue
            if is_healthy(task, revision.settings, self._groups, now):
                revision.counted.add(task.id)
                revision.failed_tasks = 0
            elif task.stop_code and not task.stopped_reason.startswith("Scaling activity"):
                revision.counted.add(task.id)
                revision.failed_tasks += 1
                revision.updated_at = now
                revision.held_until = now + restart_pause(revision.failed_tasks) * self._minute
                if revision.failed_tasks == 3:
                    service.say(
                        "is unable to consistently start tasks successfully. "
                        "For more information, see the Troubleshooting section.",
                        now,
                    )

    def _leave(self, task: Task) -> None:
        """DEACTIVATING: leave the target groups and wait until they drained. Runs on the task's thread."""
        with self.lock:
            left = self._membership.leave(task)
            self.leaving(task, list(left))
        self._membership.wait_until_drained(task, left)
