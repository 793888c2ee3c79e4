"""Changes of a DB instance that wait for its maintenance window.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime

from local_aws.emulator.records import Record
from local_aws.emulator.registry import Properties

WAITS = (
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "DBInstanceClass",
    "EngineVersion",
    "Iops",
    "LicenseModel",
    "MultiAZ",
    "StorageThroughput",
    "StorageType",
)
"""What ModifyDBInstance applies in the maintenance window unless ApplyImmediately is set."""
PENDING = "PendingModifiedValues"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def applies_at_once(properties: Properties) -> bool:
    """CloudFormation applies changes at once unless the template says otherwise."""
    return str(properties.get("ApplyImmediately", True)).lower() != "false"


@contextlib.contextmanager
def deferring(record: Record, properties: Properties) -> Iterator[None]:
    """Keep what the block changes in the record pending, where `properties` say so.

    What was pending before is applied with the changes that are applied at once, as RDS does.
    """
    before = {name: record.get(name) for name in WAITS}
    apply(record)
    yield
    if applies_at_once(properties):
        return
    for name, value in before.items():
        if record.get(name) != value:
            record.setdefault(PENDING, {})[name] = record[name]
            record[name] = value


def apply(record: Record) -> None:
    """Give the instance what is pending."""
    record.update(record.get(PENDING) or {})
    record[PENDING] = {}


def is_due(record: Record, now: datetime) -> bool:
    """Something is pending, and the instance's maintenance window is open. now: in UTC."""
    window = str(record.get("PreferredMaintenanceWindow") or "")
    if not record.get(PENDING) or "-" not in window:
        return False
    begin, end = (_minute_of_the_week(moment) for moment in window.split("-"))
    minute = now.weekday() * 1440 + now.hour * 60 + now.minute
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def _minute_of_the_week(moment: str) -> int:
    """`sun:05:30`."""
    day, hour, minute = moment.lower().split(":")
    return _DAYS.index(day) * 1440 + int(hour) * 60 + int(minute)
