"""Who is registered in which target group, how healthy, and with how many requests in flight.

One lock guards it all: ECS, the API, the health checks and the listeners meet here, each for microseconds.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count

from local_aws.elb.target_health import DRAINING, UNUSED, Health
from local_aws.emulator.registry import Registry


@dataclass
class Target:
    """One registration: address, health, and since when it drains (seconds, None while registered)."""

    id: str
    port: int
    health: Health = field(default_factory=Health)
    in_flight: int = 0
    draining_since: float | None = None
    delay: float = 300.0


class TargetGroups:
    """The targets of every target group, by the group's ARN. changed() is called when a health check
    changes the state of a target.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._targets: dict[str, dict[tuple[str, int], Target]] = {}
        self._turn = count()
        self._errors: Counter[str] = Counter()
        self.changed: Callable[[], None] = lambda: None

    def register(self, group: str, target_id: str, port: int) -> None:
        """Register a target; one that is draining comes back as new."""
        with self._lock:
            targets = self._targets.setdefault(group, {})
            known = targets.get((target_id, port))
            if known is None or known.draining_since is not None:
                targets[target_id, port] = Target(target_id, port)

    def deregister(self, group: str, target_id: str, port: int, delay: float) -> None:
        """Send it no new requests; those in flight have `delay` seconds to finish."""
        with self._lock:
            target = self._targets.get(group, {}).get((target_id, port))
            if target is not None and target.draining_since is None:
                target.draining_since, target.delay, target.health = self._clock(), delay, DRAINING

    def is_drained(self, group: str, target_id: str, port: int) -> bool:
        """Whether deregistration is complete: nothing in flight, or its delay is over.

        A target without requests in flight is deregistered at once, though shown as draining until the delay
        is over: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
        """
        with self._lock:
            target = self._targets.get(group, {}).get((target_id, port))
            return target is None or (
                target.draining_since is not None
                and (target.in_flight == 0 or self._clock() - target.draining_since >= target.delay)
            )

    def forget(self, group: str) -> None:
        """The target group is gone."""
        with self._lock:
            self._targets.pop(group, None)

    def targets(self, group: str) -> list[Target]:
        """What is registered or still draining, oldest first."""
        with self._lock:
            known = self._targets.get(group, {})
            for key, target in list(known.items()):
                if (
                    target.draining_since is not None
                    and self._clock() - target.draining_since >= target.delay
                ):
                    del known[key]
            return list(known.values())

    def groups(self) -> list[str]:
        with self._lock:
            return list(self._targets)

    def health(self, group: str, target_id: str, port: int, in_use: bool = True) -> Health:
        """A target's health; "unused" when it is not registered or no listener leads to the group."""
        for target in self.targets(group):
            if (target.id, target.port) == (target_id, port):
                return target.health if in_use or target.draining_since is not None else UNUSED
        return replace(UNUSED, reason="Target.NotRegistered", description="Target is not registered")

    def update(self, target: Target, change: Callable[[Health], Health]) -> None:
        """Set a target's health from the one it has, unless it drains by now."""
        with self._lock:
            before = target.health.state
            if target.draining_since is None:
                target.health = change(target.health)
        if target.health.state != before:
            self.changed()

    def take(self, group: str) -> Target | None:
        """The target for the next request, counted as in flight; give it back with `done`. None: no target.

        Round robin over the healthy ones; when none is healthy, over all (a load balancer fails open).
        """
        with self._lock:
            open_ = [t for t in self._targets.get(group, {}).values() if t.draining_since is None]
            usable = [t for t in open_ if t.health.state == "healthy"] or open_
            if not usable:
                return None
            target = usable[next(self._turn) % len(usable)]
            target.in_flight += 1
            return target

    def count_error(self, group: str) -> None:
        """A target of the group answered with a status from 500 to 599."""
        with self._lock:
            self._errors[group] += 1

    def take_errors(self) -> Counter[str]:
        """The errors of every group since the last call."""
        with self._lock:
            taken, self._errors = self._errors, Counter()
            return taken

    def done(self, target: Target) -> None:
        with self._lock:
            target.in_flight -= 1


@cache
def target_groups(registry: Registry) -> TargetGroups:  # noqa: ARG001 - the key of the cache
    """The one TargetGroups of a local AWS."""
    return TargetGroups()
