"""Replaces the container of a DB instance that is lost or failed, on its data: RDS replaces a host too."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException, NotFound

from local_aws.emulator.records import Record
from local_aws.emulator.registry import Registry
from local_aws.host import docker_engine
from local_aws.rds import pending
from pipeline.errors import SlipwayError

if TYPE_CHECKING:
    from local_aws.rds.instances import Instances

LOOK_EVERY = 3.0
RETRY_AFTER = 30.0
"""Seconds. A stack whose instance failed rolls back first."""

logger = logging.getLogger("slipway.database")


class Recovery:
    """Watches the containers of `instances`, and their maintenance windows, on a thread of its own."""

    def __init__(
        self,
        registry: Registry,
        instances: "Instances",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry, self._instances, self._clock, self._now = registry, instances, clock, now
        self._retry_at: dict[str, float] = {}

    def start(self) -> None:
        for record in self._registry.records("AWS::RDS::DBInstance").all_values():
            if record.get("DBInstanceStatus") == "modifying":  # by an earlier server process
                record["DBInstanceStatus"] = "available"
        threading.Thread(target=self._loop, name="database-recovery", daemon=True).start()

    def look(self, client: docker.DockerClient) -> None:
        """Replace the container of each available instance that lost it, and of each failed instance."""
        for region in sorted(self._registry.regions("AWS::RDS::DBInstance")):
            with self._registry.scope(region):
                for record in self._instances.expected():
                    self._look_at(client, record)
                    if record["DBInstanceStatus"] == "available" and pending.is_due(record, self._now()):
                        pending.apply(record)

    def _look_at(self, client: docker.DockerClient, record: Record) -> None:
        identifier = record["DBInstanceIdentifier"]
        name = self._registry.checkout.name("database", self._instances.server(identifier))
        if record["DBInstanceStatus"] == "failed":
            if self._clock() < self._retry_at.setdefault(name, self._clock() + RETRY_AFTER):
                return
            why = "failed"
        else:
            self._retry_at.pop(name, None)
            if _is_there(client, name) or record["DBInstanceStatus"] != "available":
                return  # or another thread changes or deletes the instance
            why = "lost its container"
        self._retry_at.pop(name, None)
        before = record["DBInstanceStatus"]
        logger.warning("%s %s: making it again", identifier, why)
        try:
            self._instances.make_again(client, record)
            after = "available"
        except (DockerException, RuntimeError, SlipwayError) as error:
            after = "failed"
            logger.error("%s could not be made again: %s", identifier, error)
        if record["DBInstanceStatus"] == before:  # else another thread changed it
            record["DBInstanceStatus"] = after

    def _loop(self) -> None:
        client: docker.DockerClient | None = None
        while not threading.Event().wait(LOOK_EVERY):
            try:
                client = client or docker_engine.connect()
                self.look(client)
            except (DockerException, SlipwayError, OSError):
                client = None  # the Docker engine does not answer


def _is_there(client: docker.DockerClient, name: str) -> bool:
    try:
        client.containers.get(name)
    except NotFound:
        return False
    return True
