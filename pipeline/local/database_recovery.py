"""Makes a database's container again that somebody removed, on the data it left: RDS replaces a host too."""

import logging
import threading
from typing import Any

from docker.errors import DockerException, NotFound

from pipeline.errors import SlipwayError
from pipeline.local import engine
from pipeline.local.registration import Registry

LOOK_EVERY = 3.0
"""Seconds."""

logger = logging.getLogger("slipway.database")


class Recovery:
    """Looks after the containers of `instances` (database.Instances) in a thread of its own."""

    def __init__(self, registry: Registry, instances: Any) -> None:
        self._registry, self._instances = registry, instances

    def start(self) -> None:
        threading.Thread(target=self._loop, name="database-recovery", daemon=True).start()

    def look(self, client: Any) -> None:
        """Make every container again that is gone though its instance is available."""
        for region in sorted(self._registry.regions("rds", "_instances")):
            with self._registry.scope(region):
                for record in self._instances.available():
                    self._look_at(client, record)

    def _look_at(self, client: Any, record: dict[str, Any]) -> None:
        identifier = record["DBInstanceIdentifier"]
        name = self._registry.settings.name("database", self._instances.server(identifier))
        try:
            client.containers.get(name)
        except NotFound:
            if record["DBInstanceStatus"] != "available":
                return  # it is being changed or deleted, since a moment ago
        else:
            return
        logger.warning("the container of %s is gone: making it again", identifier)
        try:
            self._instances.make_again(client, record)
        except (DockerException, RuntimeError, SlipwayError) as error:
            record["DBInstanceStatus"] = "failed"
            logger.error("%s could not be made again: %s", identifier, error)

    def _loop(self) -> None:
        client: Any = None
        while not threading.Event().wait(LOOK_EVERY):
            try:
                client = client or engine.connect()
                self.look(client)
            except (DockerException, SlipwayError, OSError):
                client = None  # Docker is away for a moment
