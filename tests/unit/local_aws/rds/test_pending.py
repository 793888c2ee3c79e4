"""Changes that wait for the maintenance window are pending until then, or until one is applied at once."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from local_aws.rds import instances as database
from local_aws.rds import pending
from local_aws.rds.instances import VOLUME, Instances
from local_aws.rds.recovery import Recovery

NOW, WAITING = {"ApplyImmediately": "true"}, {"ApplyImmediately": "false"}
SUNDAY = datetime(2026, 12, 6, 5, 30, tzinfo=UTC)


class Database:
    """An instance of class small with one day of backups, its records kept as MiniStack keeps them."""

    def __init__(self, registry, monkeypatch):
        self.registry, self.started = registry, []
        self.record = {
            "DBInstanceIdentifier": "db",
            "DBInstanceStatus": "available",
            VOLUME: "v",
            "DBInstanceClass": "small",
            "BackupRetentionPeriod": 1,
            "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "DBParameterGroups": [{"DBParameterGroupName": "one", "ParameterApplyStatus": "in-sync"}],
            "PendingModifiedValues": {},
        }
        registry.records("AWS::RDS::DBInstance")["db"] = self.record
        monkeypatch.setattr(database, "refuse_instance", lambda *_: None)
        monkeypatch.setattr(Instances, "_options", lambda _, properties: {"group": properties.get("Group")})
        monkeypatch.setattr(Instances, "_start", lambda *_: self.started.append(True))
        self.instances = Instances(registry, {"update": self._shipped})
        self.given = {"DBInstanceClass": "small", "BackupRetentionPeriod": 1}

    def _shipped(self, identifier, old, new, *_):
        self.record.update({k: v for k, v in new.items() if k in self.record and v != old.get(k)})
        return identifier, {}

    def update(self, **changes):
        master = {"MasterUsername": "app", "MasterUserPassword": "x"}
        new = {**self.given, **master, **changes}
        self.instances.update("db", {**self.given, **master}, new, "stack", "Database")
        self.given = {key: new[key] for key in self.given}

    @property
    def waits(self):
        return self.record["PendingModifiedValues"]


@pytest.fixture
def db(registry, monkeypatch):
    return Database(registry, monkeypatch)


def test_another_class_waits_where_the_template_says_so(db):
    db.update(DBInstanceClass="large", **WAITING)

    assert ("small", {"DBInstanceClass": "large"}) == (db.record["DBInstanceClass"], db.waits)


@pytest.mark.parametrize("properties", [NOW, {}, {"ApplyImmediately": True}])
def test_another_class_is_there_at_once_where_nothing_says_that_it_waits(db, properties):
    db.update(DBInstanceClass="large", **properties)

    assert ("large", {}) == (db.record["DBInstanceClass"], db.waits)


def test_what_is_pending_comes_with_the_next_change_that_is_applied_at_once(db):
    db.update(DBInstanceClass="large", **WAITING)
    db.update(BackupRetentionPeriod=7, **NOW)

    assert ("large", 7) == (db.record["DBInstanceClass"], db.record["BackupRetentionPeriod"])
    assert {} == db.waits


def test_what_is_pending_stays_pending_beside_another_change_that_waits(db):
    db.update(DBInstanceClass="large", **WAITING)
    db.update(BackupRetentionPeriod=7, **WAITING)

    assert {"DBInstanceClass": "large", "BackupRetentionPeriod": 7} == db.waits


def test_a_change_that_is_taken_back_is_no_longer_pending(db):
    db.update(DBInstanceClass="large", **WAITING)
    db.update(DBInstanceClass="small", **WAITING)

    assert ("small", {}) == (db.record["DBInstanceClass"], db.waits)


def test_another_parameter_group_waits_for_a_restart(db):
    db.update(Group="two", **WAITING)

    assert "pending-reboot" == db.record["DBParameterGroups"][0]["ParameterApplyStatus"]
    assert [] == db.started


@pytest.mark.parametrize(
    ("when", "there"),
    [(SUNDAY, "large"), (SUNDAY.replace(hour=6), "small"), (SUNDAY.replace(day=7), "small")],
)
def test_the_window_brings_what_is_pending(db, when, there):
    db.update(DBInstanceClass="large", **WAITING)
    container = SimpleNamespace(containers=SimpleNamespace(get=lambda _: None))

    Recovery(db.registry, db.instances, now=lambda: when).look(container)

    assert there == db.record["DBInstanceClass"]


@pytest.mark.parametrize(
    ("now", "due"),
    [(SUNDAY.replace(hour=23, minute=50), True), (SUNDAY.replace(day=7, hour=0, minute=40), False)],
)
def test_a_window_may_reach_over_the_end_of_the_week(now, due):
    record = {"PreferredMaintenanceWindow": "sun:23:30-mon:00:30", "PendingModifiedValues": {"MultiAZ": True}}

    assert due == pending.is_due(record, now)
