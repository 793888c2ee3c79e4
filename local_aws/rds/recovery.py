"""Makes a database's container again that is lost or failed, on the data it left: RDS replaces a host too."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException, NotFound

from local_aws.emulator.records import Record
from local_aws.emulator.registry import Registry
from local_aws.host import docker_engine
from pipeline.errors import SlipwayError

if TYPE_CHECKING:
    from local_aws.rds.instances import Instances

LOOK_EVERY = 3.0
RETRY_AFTER = 30.0
"""Seconds. Whoever made an instance fail (a stack that rolls back at once) has the first try."""

logger = logging.getLogger("slipway.database")


class Recovery:
    """Looks after the containers of `instances` (database.Instances) in a thread of its own."""

    def __init__(
        self, registry: Registry, instances: "Instances", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry, self._instances, self._clock = registry, instances, clock
        self._retry_at: dict[str, float] = {}

    def start(self) -> None:
        for record in self._registry.records("AWS::RDS::DBInstance").all_values():
            if record.get("DBInstanceStatus") == "modifying":  # by a server that is no more
                record["DBInstanceStatus"] = "available"
        threading.Thread(target=self._loop, name="database-recovery", daemon=True).start()

    def look(self, client: docker.DockerClient) -> None:
        """Make the container again of an available instance that has none, and of a failed one."""
        for region in sorted(self._registry.regions("AWS::RDS::DBInstance")):
            with self._registry.scope(region):
                for record in self._instances.expected():
                    self._look_at(client, record)

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
                return  # or it is being changed or deleted, since a moment ago
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
        if record["DBInstanceStatus"] == before:  # else somebody changes or deletes it meanwhile
            record["DBInstanceStatus"] = after

    def _loop(self) -> None:
        client: docker.DockerClient | None = None
        while not threading.Event().wait(LOOK_EVERY):
            try:
                client = client or docker_engine.connect()
                self.look(client)
            except (DockerException, SlipwayError, OSError):
                client = None  # Docker is away for a moment


def _is_there(client: docker.DockerClient, name: str) -> bool:
    try:
        client.containers.get(name)
    except NotFound:
        return False
    return True
