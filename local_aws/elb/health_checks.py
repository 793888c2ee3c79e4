"""Health checks sent for real: one coroutine per registered target asks its health-check port over HTTP."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import aiohttp

from local_aws.elb import open_ports
from local_aws.elb.target_groups import Target, TargetGroups
from local_aws.elb.target_health import DESCRIPTIONS, HealthCheck, Outcome, after, pause

_REFUSED = ": connection refused"


async def check_once(session: aiohttp.ClientSession, target: Target, check: HealthCheck) -> Outcome:
    """Ask a target once and say what AWS would call the answer."""
    url = f"http://{target.id}:{check.port or target.port}{check.path}"
    try:
        async with session.get(
            url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=check.timeout)
        ) as response:
            status = response.status
    except TimeoutError:
        return Outcome("Target.Timeout", DESCRIPTIONS["Target.Timeout"])
    except aiohttp.ClientConnectorError as error:
        refused = isinstance(error.os_error, ConnectionRefusedError)
        words = DESCRIPTIONS["Target.FailedHealthChecks"]
        return Outcome("Target.FailedHealthChecks", words + _REFUSED if refused else words)
    except (aiohttp.ClientError, OSError):
        return Outcome("Target.FailedHealthChecks", DESCRIPTIONS["Target.FailedHealthChecks"])
    if check.accepts(status):
        return Outcome()
    return Outcome("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


class HealthChecks:
    """Keeps one checking coroutine for every registered target, on the loop that calls `settle`.

    check_for(group ARN) gives the group's health check as it is now, None when the group is gone.
    """

    def __init__(
        self,
        groups: TargetGroups,
        check_for: Callable[[str], HealthCheck | None],
        session: aiohttp.ClientSession,
    ) -> None:
        self._groups = groups
        self._check_for = check_for
        self._session = session
        self._running: dict[int, asyncio.Task[None]] = {}

    def settle(self) -> None:
        """Start what is missing and end what checks a target that left."""
        wanted = {
            id(target): (group, target)
            for group in self._groups.groups()
            for target in self._groups.targets(group)
            if target.draining_since is None
        }
        for key in [key for key, task in self._running.items() if key not in wanted or task.done()]:
            self._running.pop(key).cancel()
        for key, (group, target) in wanted.items():
            if key not in self._running:
                self._running[key] = asyncio.get_running_loop().create_task(self._watch(group, target))

    def stop(self) -> None:
        for task in self._running.values():
            task.cancel()

    async def _watch(self, group: str, target: Target) -> None:
        seen = ""
        while (check := self._check_for(group)) is not None:
            outcome = await check_once(self._session, target, check) if check.enabled else Outcome()
            refused = outcome.description.endswith(_REFUSED)
            if refused and after(target.health, outcome, check, time.monotonic()).state == "unhealthy":
                # AWS says no more than "Health checks failed"; here the ports can be looked at.
                seen = seen or await open_ports.words(target.id)
                outcome = replace(outcome, description=f"{outcome.description}; {seen}")
            self._groups.update(target, partial(after, outcome=outcome, check=check, now=time.monotonic()))
            await asyncio.sleep(pause(target.health, check))
