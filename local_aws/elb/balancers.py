"""The thread on which all listeners and health checks run.

Several times a second, this thread makes the real ports and health checks follow the records of load
balancers, listeners, rules and target groups.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

from local_aws.elb import operations, resources, target_operations
from local_aws.elb.health_checks import HealthChecks
from local_aws.elb.listener import Listener
from local_aws.elb.proxy import new_session
from local_aws.elb.records import Records
from local_aws.elb.rules import Rule
from local_aws.elb.target_groups import target_groups
from local_aws.elb.target_health import HealthCheck, health_check_of
from local_aws.emulator.registry import Registry
from local_aws.ports import Ports, ports_file
from pipeline.errors import PortInUseError

logger = logging.getLogger("slipway.load_balancer")
SETTLE_SECONDS = 0.2


class LoadBalancers:
    """All load balancers of one local AWS, on an event loop of their own."""

    def __init__(self, registry: Registry) -> None:
        self._records = Records(registry)
        self._groups = target_groups(registry)
        self._running: dict[str, Listener] = {}
        self._blocked: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.ports = Ports(ports_file(registry.checkout), exact=registry.checkout.http_port)

    def start(self) -> None:
        """Start the thread; returns at once."""
        started = threading.Event()
        threading.Thread(
            target=lambda: asyncio.run(self._run(started)), name="load-balancers", daemon=True
        ).start()
        started.wait(10)

    def stop(self) -> None:
        self._stopping = True
        self.ports.close()

    def settle(self) -> None:
        """Make the ports follow the records now, and wait for that. Not to be called on the loop's thread."""
        if self._loop is not None:
            future = asyncio.run_coroutine_threadsafe(self._settle_listeners(), self._loop)
            try:
                future.result(10)
            except concurrent.futures.TimeoutError:
                logger.warning("the load balancers did not settle within 10 s")

    async def _run(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        async with new_session() as session:
            self._session = session
            checks = HealthChecks(self._groups, self._health_check, session)
            started.set()
            while not self._stopping:
                try:
                    await self._settle_listeners()
                    checks.settle()
                except Exception:  # this loop serves every listener: try again in the next turn
                    logger.exception("the load balancers did not settle")
                await asyncio.sleep(SETTLE_SECONDS)
            checks.stop()
            await asyncio.gather(*(listener.stop() for listener in self._running.values()))

    async def _settle_listeners(self) -> None:
        async with self._turn:
            wanted = {one["ListenerArn"]: one for one in self._records.listeners.all_values()}
            for arn in self._running.keys() - wanted.keys():
                await self._running.pop(arn).stop()
            self.ports.keep_only(
                {one["LoadBalancerArn"] for one in self._records.load_balancers.all_values()}
            )
            for arn in wanted.keys() - self._running.keys():
                try:
                    await self._open(arn, wanted[arn])
                except PortInUseError as error:
                    if arn not in self._blocked:
                        logger.error("listener %s waits: %s", arn, error)
                    self._blocked.add(arn)

    async def _open(self, arn: str, record: dict[str, Any]) -> None:
        listener = Listener(
            port=int(record["Port"]),
            rules=lambda: self._rules_of(arn),
            groups=self._groups,
            session=self._session,
        )
        await listener.start(self.ports.take(record["LoadBalancerArn"], int(record["Port"])))
        self._running[arn] = listener

    def _rules_of(self, listener: str) -> Iterable[Rule]:
        return [rule for rule in self._records.rules.all_values() if rule["ListenerArn"] == listener]

    def _health_check(self, group: str) -> HealthCheck | None:
        for record in self._records.target_groups.all_values():
            if record["TargetGroupArn"] == group:
                return health_check_of(record)
        self._groups.forget(group)
        return None


@cache
def load_balancers(registry: Registry) -> LoadBalancers:
    """The one LoadBalancers of a local AWS."""
    return LoadBalancers(registry)


def register(registry: Registry) -> None:
    balancers = load_balancers(registry)
    records = Records(registry)
    operations.register(registry, records, balancers.ports)
    target_operations.register(registry, records)
    resources.register(registry, records, balancers.ports, balancers.settle)
    registry.on_start(balancers.start)
    registry.on_shutdown(balancers.stop)
