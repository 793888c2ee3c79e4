"""The ECS service scheduler: looks at every service, lets its deployment take a step, and looks again.

A task, a target's health or a request that changes something wakes the scheduler. Otherwise the scheduler
looks when the next time that it knows has come, and every half second during a deployment, for the alarms.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from local_aws.ecs.deployments.blue_green import SUPERSEDED, BlueGreen
from local_aws.ecs.deployments.rolling import Rolling
from local_aws.ecs.deployments.traffic_shift import Traffic
from local_aws.ecs.services.fleet import Fleet, NewRun
from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.tasks.changes import Changes
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups
from local_aws.shapes import TaskDefinition

logger = logging.getLogger("slipway.scheduler")
LOOK_SECONDS = 0.5  # while a deployment may wait for an alarm
REST_SECONDS = 5.0  # while none is under way
STAGE_SECONDS = 0.1  # a stage that has nothing to wait for lasts as long, to be seen by whoever asks
LATE_SECONDS = 0.01  # after a time that is known, so that it has passed on every clock


class Scheduler:
    """All services of one local AWS; `fleet` has their tasks. `fleet.lock` guards every record; the API takes
    it too.

    new_run(task, before_stop, changed) makes the TaskRun of a task; delay(target group ARN) gives its
    deregistration delay in seconds; alarms(names) gives those that are in ALARM now; within(service) is
    entered while the service is looked at: it pins the service's region.
    """

    def __init__(
        self,
        groups: TargetGroups,
        delay: Callable[[str], float],
        new_run: NewRun,
        *,
        traffic: Traffic,
        alarms: Callable[[list[str]], list[str]],
        minute_seconds: float,
        within: Callable[[Service], AbstractContextManager[None]] = lambda _: nullcontext(),
        held: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._within = within
        self.services: dict[str, Service] = {}
        self._clock = clock
        self._alarms = alarms
        self._changes = Changes()
        self.fleet = Fleet(
            groups, delay, new_run, minute_seconds=minute_seconds, clock=clock, changed=self.wake
        )
        self.fleet.leaving = self._say_leaving
        groups.changed = self.wake
        self._rolling = Rolling(self.fleet, alarms)
        self.blue_green = BlueGreen(self.fleet, traffic, alarms, minute_seconds, held)

    def start(self) -> None:
        """Go on with what was restored, and look at the services from now on."""
        for service in self.services.values():
            with self._within(service):
                self.blue_green.resume(service, self._clock())
        threading.Thread(target=self._loop, name="ecs-scheduler", daemon=True).start()

    def kept(self) -> dict[str, Service]:
        """The services, to be given to `restore` by the next server process."""
        with self.fleet.lock:
            return {arn: service for arn, service in self.services.items() if service.status != "INACTIVE"}

    def restore(self, services: dict[str, Service]) -> None:
        """Take over the services of an earlier server process; their tasks are started anew."""
        self.services = services
        for service in services.values():
            service.was_steady = False
            for deployment in service.deployments:
                deployment.counted.clear()

    def wake(self) -> None:
        """Look again now."""
        self._changes.tell()

    def deploy(self, service: Service, definition: TaskDefinition, settings: Mapping[str, Any]) -> TaskSet:
        """Begin a service deployment; its new revision is the primary one."""
        with self.fleet.lock:
            now = self._clock()
            new = TaskSet(definition, settings, now, request=dict(service.request))
            rollout = ServiceDeployment(service.arn, service.cluster_arn, service.configuration, new, now)
            if rollout.moves_traffic:
                self.blue_green.begin(service, rollout, now)
            else:
                if service.rollout is not None and service.rollout.is_ongoing:
                    service.rollout.become("STOPPED", now, SUPERSEDED)
                rollout.old = service.stable
                rollout.watch(self._alarms)
                rollout.become("IN_PROGRESS", now)
            service.rollouts.insert(0, rollout)
            service.deployments.insert(0, new)
            service.was_steady = False
            self.services[service.arn] = service
            self.wake()
            return new

    def stop_deployment(self, service: Service, rollout: ServiceDeployment, *, abort: bool) -> None:
        """Ask an ongoing deployment to roll back, or leave it where it is."""
        now = self._clock()
        if rollout.status not in ("PENDING", "IN_PROGRESS"):
            return
        if not rollout.moves_traffic:
            self._rolling.stop(service, rollout, abort=abort, now=now)
        elif abort:
            self.blue_green.abort(service, rollout, now)
        else:
            rollout.stop_requested = True
            rollout.become("ROLLBACK_REQUESTED", now)
        self.wake()

    def step(self, service: Service) -> None:
        """Look at a service once, and act."""
        with self.fleet.lock, self._within(service):
            if self.blue_green.leads(service):
                self.blue_green.step(service, self._clock())
            else:
                self._rolling.step(service, self._clock())

    def pause(self) -> float:
        """Seconds until the next look, if nothing changes before."""
        with self.fleet.lock:
            now = self._clock()
            services = [service for service in self.services.values() if service.status != "INACTIVE"]
            times = [time for service in services for time in self._times(service) if time > now]
            ongoing = any(service.rollout and service.rollout.is_ongoing for service in services)
        longest = LOOK_SECONDS if ongoing else REST_SECONDS
        return min([longest, *(time - now + LATE_SECONDS for time in times)])

    def _times(self, service: Service) -> list[float]:
        advanced = [service.rollout.updated_at + STAGE_SECONDS] if service.rollout else []
        return [*advanced, *self.fleet.times(service), *self.blue_green.times(service)]

    def _loop(self) -> None:
        while True:
            count = self._changes.count
            for service in list(self.services.values()):
                if service.status != "INACTIVE":
                    try:
                        self.step(service)
                    except Exception:
                        logger.exception("service %s", service.name)
            self.fleet.forget_old()
            self._changes.wait_beyond(count, self.pause())

    def _say_leaving(self, task: Task, left: list[str]) -> None:
        service = next((s for s in self.services.values() if task in self.fleet.tasks(s)), None)
        if service is not None and left:
            for group in left:
                service.say(f"deregistered 1 targets in (target-group {group})", self._clock())
            service.say("has begun draining connections on 1 tasks.", self._clock())
