"""Databases whose server is not there: what is told, and which is made again, without Docker."""

from types import SimpleNamespace

import pytest
from docker.errors import NotFound

from local_aws.rds import instances as database
from local_aws.rds import recovery as database_recovery
from local_aws.rds.instances import VOLUME, Instances
from local_aws.rds.recovery import Recovery


class Docker:
    """No container is there; `asked` are the names that were looked for."""

    def __init__(self, meanwhile=lambda: None):
        self.asked = []
        self.containers = self.volumes = SimpleNamespace(get=self._get)
        self._meanwhile = meanwhile

    def _get(self, name):
        self.asked.append(name)
        self._meanwhile()
        raise NotFound(name)


class MadeAgain(Instances):
    def __init__(self, registry):
        super().__init__(registry, {})
        self.made = []
        self.failure = None

    def make_again(self, client, record):
        if self.failure:
            raise self.failure
        self.made.append(record["DBInstanceIdentifier"])


def instance(registry, region="eu-west-1", **more):
    record = {"DBInstanceIdentifier": "db", "DBInstanceStatus": "available", VOLUME: "v", **more}
    with registry.scope(region):
        registry.records("AWS::RDS::DBInstance")["db"] = record
    return record


def test_a_lost_server_is_made_again_in_every_region(registry):
    instance(registry)
    instance(registry, "us-east-1")
    docker, instances = Docker(), MadeAgain(registry)
    Recovery(registry, instances).look(docker)

    name = registry.checkout.name
    assert [name("database", "db"), name("database", "db.us-east-1")] == docker.asked
    assert ["db", "db"] == instances.made


@pytest.mark.parametrize("status", ["modifying", "deleting"])
def test_a_server_that_somebody_takes_away_at_this_moment_is_left_to_them(registry, status):
    record = instance(registry)
    instances = MadeAgain(registry)
    Recovery(registry, instances).look(Docker(lambda: record.update(DBInstanceStatus=status)))

    assert [] == instances.made
    assert status == record["DBInstanceStatus"]


def test_an_instance_that_somebody_changes_while_it_is_made_again_is_theirs(registry, monkeypatch):
    record, instances = instance(registry), MadeAgain(registry)

    def replaced(client, record):
        record["DBInstanceStatus"] = "modifying"
        raise NotFound("the container")

    monkeypatch.setattr(instances, "make_again", replaced)
    Recovery(registry, instances).look(Docker())

    assert "modifying" == record["DBInstanceStatus"]


def test_an_instance_that_was_being_modified_when_the_server_ended_is_available_again(registry, monkeypatch):
    record = instance(registry, "us-east-1", DBInstanceStatus="modifying")
    monkeypatch.setattr(
        database_recovery.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None)
    )
    Recovery(registry, MadeAgain(registry)).start()

    assert "available" == record["DBInstanceStatus"]


def test_a_failed_instance_is_tried_again_and_again_but_not_at_once(registry):
    record, now = instance(registry), [0.0]
    instances = MadeAgain(registry)
    recovery = Recovery(registry, instances, clock=lambda: now[0])
    instances.failure = RuntimeError("no space")
    recovery.look(Docker())

    assert "failed" == record["DBInstanceStatus"]

    instances.failure = None
    recovery.look(Docker())
    now[0] += database_recovery.RETRY_AFTER - 1
    recovery.look(Docker())

    assert ("failed", []) == (record["DBInstanceStatus"], instances.made)

    now[0] += 1
    recovery.look(Docker())

    assert ("available", ["db"]) == (record["DBInstanceStatus"], instances.made)


def test_an_instance_whose_volume_is_gone_stays_failed(registry):
    record, now = instance(registry, DBInstanceStatus="failed"), [0.0]
    recovery = Recovery(registry, Instances(registry, {}), clock=lambda: now[0])
    recovery.look(Docker())
    now[0] += database_recovery.RETRY_AFTER
    recovery.look(Docker())

    assert "failed" == record["DBInstanceStatus"]


def test_a_protected_instance_whose_server_does_not_start_says_why_and_is_gone(registry, monkeypatch):
    records = registry.records("AWS::RDS::DBInstance")
    shipped = {
        "create": lambda *_: (
            instance(registry, DeletionProtection=True, Endpoint={"Port": 3306})["DBInstanceIdentifier"],
            {},
        ),
        "delete": lambda identifier, _: records.pop(identifier, None),
    }
    monkeypatch.setattr(database, "refuse_instance", lambda *_: None)
    monkeypatch.setattr(database, "database_image", lambda *_: "image")
    monkeypatch.setattr(database.docker_engine, "connect", lambda: Docker())
    monkeypatch.setattr(database, "start", no_start)
    properties = {"MasterUsername": "app", "MasterUserPassword": "x"}

    with registry.scope():
        with pytest.raises(ValueError, match="DB instance db failed: the database server ended: no space"):
            Instances(registry, shipped).create("Database", properties, "stack")

        assert "db" not in records


def test_a_server_is_made_again_from_the_image_that_its_volume_was_made_with(registry, monkeypatch):
    record = instance(registry, Endpoint={"Address": "db", "Port": 3306})
    kept, started = [], []

    def choose(client, log, image):
        kept.append(image)
        return image or "mysql:8.4"

    monkeypatch.setattr(database, "database_image", choose)
    monkeypatch.setattr(database.docker_engine, "connect", lambda: None)
    monkeypatch.setattr(database, "start", lambda *given: started.append(given[2]))
    docker = SimpleNamespace(volumes=SimpleNamespace(get=lambda name: name))
    with registry.scope():
        for _ in range(2):
            Instances(registry, {}).make_again(docker, record)

    assert ["", "mysql:8.4"] == kept
    assert ["mysql:8.4", "mysql:8.4"] == started


def no_start(*_):
    raise RuntimeError("the database server ended: no space")
