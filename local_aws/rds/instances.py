"""AWS::RDS::DBInstance with a real server behind its endpoint.

MiniStack keeps the record for DescribeDBInstances. This module adds the server and RDS's refusals. The
resource is complete when the server accepts connections.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

import contextlib
import secrets
from collections.abc import Iterator

import docker

from local_aws.checkout import REGION
from local_aws.emulator.records import Record
from local_aws.emulator.registry import Attributes, Properties, Registry, ResourceType
from local_aws.host import docker_engine
from local_aws.host.base_images import database_image
from local_aws.rds import log_groups, pending
from local_aws.rds.recovery import Recovery
from local_aws.rds.refusals import refuse_instance
from local_aws.rds.server_container import Master, Server, remove, remove_volume, set_master, start

TYPE = "AWS::RDS::DBInstance"
SNAPSHOT = "AWS::RDS::DBSnapshot"
VOLUME = "_slipway_volume"
IMAGE = "_slipway_image"


def register(registry: Registry) -> None:
    """Put real servers behind AWS::RDS::DBInstance of engine mysql and mariadb."""
    instances = Instances(registry, registry.shipped_resource_type(TYPE))
    registry.resource_type(
        TYPE,
        create=instances.create,
        update=instances.update,
        delete=instances.delete,
        snapshot=instances.snapshot,
        waits=True,
    )
    registry.on_start(Recovery(registry, instances).start)


class Instances:
    """Creates, updates and deletes DB instances. shipped: MiniStack's handlers, which keep the records."""

    def __init__(self, registry: Registry, shipped: ResourceType) -> None:
        self._registry = registry
        self._records = registry.records(TYPE)
        self._shipped = shipped

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        refuse_instance(self._registry, properties)
        identifier, attributes = self._shipped["create"](logical_id, properties, stack_name)
        record = self._records[identifier]
        record["Endpoint"]["Address"] = f"{self.server(identifier)}.rds.local"
        record[VOLUME] = self._registry.checkout.name("database", identifier, secrets.token_hex(3))
        with self._becoming_available(record, "creating"):
            self._start(record, properties, _master(properties))
        log_groups.publish(self._registry, identifier, properties)
        return identifier, {**attributes, "Endpoint.Address": record["Endpoint"]["Address"]}

    def update(
        self, identifier: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> tuple[str, Attributes]:
        refuse_instance(self._registry, new)
        if self._records.get(identifier) is None:
            return self.create(logical_id, new, stack_name)
        options = self._options(old)
        with pending.deferring(self._records[identifier], new):
            _, attributes = self._shipped["update"](identifier, old, new, stack_name, logical_id)
        record = self._records[identifier]
        restarts = options != self._options(new)
        if restarts and not pending.applies_at_once(new):
            record["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"
            restarts = False
        with self._becoming_available(record, "modifying"):
            if old.get("Port") != new.get("Port") or restarts:
                self._start(record, new, _master(new))
            elif old.get("MasterUserPassword") != new.get("MasterUserPassword"):
                container = docker_engine.connect().containers.get(
                    self._registry.checkout.name("database", self.server(identifier))
                )
                set_master(container, _master(new))
        log_groups.publish(self._registry, identifier, new)
        return identifier, attributes

    def snapshot(self, identifier: str, properties: Properties) -> None:
        """Keep the data: the snapshot's record names the instance's volume."""
        record = self._records.get(identifier)
        if record is None:
            return
        before = set(self._registry.records(SNAPSHOT))
        self._shipped["snapshot"](identifier, properties)
        snapshots = self._registry.records(SNAPSHOT)
        for name in set(snapshots) - before:
            snapshots[name][VOLUME] = record[VOLUME]

    def delete(self, identifier: str, properties: Properties) -> None:
        record = self._records.get(identifier)
        if record is None:
            return
        if record.get("DeletionProtection"):
            raise ValueError(
                "Cannot delete protected DB Instance, please disable deletion protection and try again. "
                "(Service: Rds, Status Code: 400)"
            )
        self._take_away(record, properties)

    def _take_away(self, record: Record, properties: Properties) -> None:
        identifier = record["DBInstanceIdentifier"]
        record["DBInstanceStatus"] = "deleting"
        client = docker_engine.connect()
        remove(client, self._registry.checkout, self.server(identifier))
        kept = {snapshot.get(VOLUME) for snapshot in self._registry.records(SNAPSHOT).values()}
        if record.get(VOLUME) and record[VOLUME] not in kept:
            remove_volume(client, record[VOLUME])
        self._shipped["delete"](identifier, properties)

    def expected(self) -> list[Record]:
        """The records of the instances that are available or failed."""
        records = self._records.values()
        wanted = ("available", "failed")
        return [one for one in records if one.get("DBInstanceStatus") in wanted and one.get(VOLUME)]

    def make_again(self, client: docker.DockerClient, record: Record) -> None:
        """Start a new container for an instance. The data and the users are in the instance's volume.

        Raises docker.errors.NotFound when the volume is gone, RuntimeError when the server does not start.
        """
        client.volumes.get(record[VOLUME])
        groups = record.get("DBParameterGroups") or [{}]
        self._start(record, groups[0], None)

    def _start(self, record: Record, properties: Properties, master: Master | None) -> None:
        client = docker_engine.connect()
        image = database_image(client, print, record.get(IMAGE, ""))
        server = Server(
            identifier=self.server(record["DBInstanceIdentifier"]),
            host=record["Endpoint"]["Address"],
            port=int(record["Endpoint"]["Port"]),
            volume=record[VOLUME],
            options=self._options(properties),
        )
        start(client, self._registry.checkout, image, server, master)
        record[IMAGE] = image
        for group in record.get("DBParameterGroups") or []:
            group["ParameterApplyStatus"] = "in-sync"

    def _options(self, properties: Properties) -> dict[str, str]:
        group = self._registry.records("AWS::RDS::DBParameterGroup").get(
            properties.get("DBParameterGroupName", "")
        )
        parameters = (group or {}).get("Parameters", {})
        return {name: str(entry["ParameterValue"]) for name, entry in parameters.items()}

    def server(self, identifier: str) -> str:
        """The name of the instance's server on this machine. An identifier is unique in its region only."""
        region = self._registry.region()
        return identifier if region == REGION else f"{identifier}.{region}"

    @contextlib.contextmanager
    def _becoming_available(self, record: Record, status: str) -> Iterator[None]:
        record["DBInstanceStatus"] = status
        try:
            yield
        except Exception as error:
            record["DBInstanceStatus"] = "failed"
            if status == "creating":
                with contextlib.suppress(Exception):  # the first error is the one to report
                    self._take_away(record, {})
                self._shipped["delete"](record["DBInstanceIdentifier"], {})
            raise ValueError(f"DB instance {record['DBInstanceIdentifier']} failed: {error}") from error
        record["DBInstanceStatus"] = "available"


def _master(properties: Properties) -> Master:
    return Master(
        properties["MasterUsername"], properties["MasterUserPassword"], properties.get("DBName", "")
    )
