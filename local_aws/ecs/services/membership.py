"""Registers a running task in its target groups, and deregisters the task before it stops.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local_aws.ecs.services.task_health import registrations
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups
from pipeline.errors import WaitTimeoutError
from pipeline.waiting import wait_until

logger = logging.getLogger("slipway.membership")


class Membership:
    """The tasks in target groups. delay(target group ARN) gives the deregistration delay in seconds."""

    def __init__(self, groups: TargetGroups, delay: Callable[[str], float]) -> None:
        self._groups = groups
        self._delay = delay
        self._members: dict[str, dict[str, int]] = {}

    def join(self, task: Task, settings: Mapping[str, Any]) -> list[str]:
        """Register a running task in its target groups. Returns the target groups that are new to it."""
        member_of = self._members.setdefault(task.id, {})
        new = [one for one in registrations(task, settings) if one[0] not in member_of]
        for group, port in new:
            member_of[group] = port
            self._groups.register(group, task.address, port)
        return [group for group, _ in new]

    def leave(self, task: Task) -> dict[str, int]:
        """Deregister a task. Returns its target groups, each with the port."""
        left = self._members.pop(task.id, {})
        for group, port in left.items():
            self._groups.deregister(group, task.address, port, self._delay(group))
        return left

    def wait_until_drained(self, task: Task, left: Mapping[str, int]) -> None:
        """Wait until no request is in flight, or the deregistration delay is over."""
        for group, port in left.items():
            try:
                wait_until(
                    partial(self._drained, group, task.address, port),
                    what="draining",
                    timeout=self._delay(group) + 1,
                    first_pause=0.05,
                    longest_pause=0.25,
                )
            except WaitTimeoutError:
                logger.warning("task %s was stopped with requests in flight", task.id)

    def _drained(self, group: str, address: str, port: int) -> bool | None:
        return self._groups.is_drained(group, address, port) or None
