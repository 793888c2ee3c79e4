"""What RDS refuses about a DB instance, a DB subnet group and a DB parameter group, for MySQL and MariaDB.

The engine versions and instance classes are those of the date of cfn-lint's release that schemas.json names.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.refusals.schemas import data
from pipeline.refusals.values import known, number, text, texts

ENGINES = ("mysql", "mariadb")
# GiB. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
_STORAGE = {
    "gp2": (20, 65536),
    "gp3": (20, 65536),
    "io1": (100, 65536),
    "io2": (100, 65536),
    "standard": (5, 3072),
}
_LOGS = {"audit", "error", "general", "iam-db-auth-error", "slowquery"}
_IDENTIFIER = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,62}(?<!-)")
_DATABASE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MASTER_USER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,15}")
_RESERVED_USERS = {"rdsadmin", "rdsrepladmin", "root", "mysql.sys", "mysql.session"}
_TIMES = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY = 24 * 60
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instance(
    properties: Mapping[str, Any], before: Mapping[str, Any] | None = None, region: str | None = None
) -> Iterator[str]:
    """What RDS refuses about the properties of AWS::RDS::DBInstance. before: those that are in force."""
    engine = text(properties.get("Engine"))
    if engine not in ENGINES:
        return
    yield from _version(engine, properties, before)
    yield from _class(engine, text(properties.get("DBInstanceClass")), region)
    yield from _storage(engine, properties, before)
    yield from _names(properties)
    user = text(properties.get("MasterUsername"))
    if user is not None:
        yield from master_user_refusals(user)
    yield from _windows(properties)
    exports = set(texts(properties.get("EnableCloudwatchLogsExports") or []))
    if wrong := sorted(exports - _LOGS):
        yield f"You cannot use the log types '{', '.join(wrong)}' with engine version {engine}."
    multi_az = text(properties.get("MultiAZ")) == "true"
    if multi_az and "AvailabilityZone" in properties:
        yield "Requesting a specific availability zone is not valid for Multi-AZ instances."
    interval = number(properties.get("MonitoringInterval"))
    if interval and "MonitoringRoleArn" not in properties:
        yield "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
    if interval is not None and interval not in (0, 1, 5, 10, 15, 30, 60):
        yield "MonitoringInterval must be one of 0, 1, 5, 10, 15, 30, 60."
    if text(properties.get("ManageMasterUserPassword")) == "true" and "MasterUserPassword" in properties:
        yield "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled."
    port = number(properties.get("Port"))
    if port is not None and not 1150 <= port <= 65535:
        yield f"Invalid endpoint port {port:g}, must be in the range 1150-65535"


def master_user_refusals(user: str) -> Iterator[str]:
    """Why RDS takes no master user of this name."""
    if user.lower() in _RESERVED_USERS:
        yield f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
    elif not _MASTER_USER.fullmatch(user):
        yield "The parameter MasterUsername must begin with a letter and contain 1 to 16 alphanumerics"


def subnet_group(properties: Mapping[str, Any]) -> Iterator[str]:
    """What RDS refuses about AWS::RDS::DBSubnetGroup."""
    subnets = properties.get("SubnetIds")
    if isinstance(subnets, list) and known(subnets) and len(set(map(str, subnets))) < 2:
        yield (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            "Current AZ coverage: 1. Add subnets to cover at least 2 AZs."
        )


def parameter_group(properties: Mapping[str, Any]) -> Iterator[str]:
    """What RDS refuses about AWS::RDS::DBParameterGroup."""
    family = text(properties.get("Family"))
    versions = data()["rds_engine_versions"]
    families = {f"{engine}{_family(one)}" for engine in ENGINES for one in versions[engine]}
    if family is not None and family.startswith(ENGINES) and family not in families:
        yield f"DBParameterGroupFamily {family} is not a valid parameter group family"
    parameters = properties.get("Parameters")
    if family in ("mysql8.0", "mysql8.4") and isinstance(parameters, dict):
        names, prefixes = _parameters(family)
        for given in parameters:
            name = given.replace("-", "_")
            if name not in names and not name.startswith(prefixes):
                yield f"Invalid parameter name: {given}"


@cache
def _parameters(family: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The parameters of a family of MySQL, and the prefixes of further ones."""
    lines = Path(__file__).with_name("mysql-parameters.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("#") and (family == "mysql8.0" or ": " not in line)]
    words = [word for line in kept for word in line.removeprefix("8.0: ").split()]
    prefixes = tuple(word.removesuffix("*") for word in words if word.endswith("*"))
    return frozenset(words), prefixes


def _version(engine: str, properties: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    version = text(properties.get("EngineVersion"))
    if version is None:
        return
    offered = data()["rds_engine_versions"][engine]
    if not any(one == version or one.startswith(f"{version}.") for one in offered):
        yield f"Cannot find version {version} for {engine}"
        return
    old = text((before or {}).get("EngineVersion"))
    if old is not None and _major(version) < _major(old):
        yield f"Cannot downgrade {engine} from {old} to {version}"


def _family(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _major(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _class(engine: str, name: str | None, region: str | None) -> Iterator[str]:
    if name is None:
        return
    for lacking, classes in data()["rds_instance_classes"][engine].items():
        if name in classes.split():
            if region in lacking.split():
                break
            return
    yield (
        "RDS does not support creating a DB instance with the following combination: "
        f"DBInstanceClass={name}, Engine={engine}. For supported combinations of instance class and database "
        "engine version, see the documentation."
    )


def _storage(engine: str, properties: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    kind, size = text(properties.get("StorageType", "gp2")), number(properties.get("AllocatedStorage"))
    if kind not in _STORAGE or size is None:
        return
    least, most = _STORAGE[kind]
    if not least <= size <= most:
        yield f"Invalid storage size for engine name {engine} and storage type {kind}: {size:g}"
    old = number((before or {}).get("AllocatedStorage"))
    if old is not None and size < old:
        yield f"Requested storage size {size:g} must not be less than the current storage size {old:g}."
    faster = [key for key in ("Iops", "StorageThroughput") if key in properties]
    if kind == "gp3" and faster and size < 400:
        yield (
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage size "
            "less than 400."
        )
    if kind in ("io1", "io2") and "Iops" not in properties:
        yield f"You must specify the IOPS for the storage type {kind}."
    ceiling = number(properties.get("MaxAllocatedStorage"))
    if ceiling is not None and ceiling < size:
        yield "Max storage size must not be less than storage size"


def _names(properties: Mapping[str, Any]) -> Iterator[str]:
    identifier = text(properties.get("DBInstanceIdentifier"))
    if identifier is not None and not _IDENTIFIER.fullmatch(identifier):
        yield (
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a "
            "letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or "
            "contain two consecutive hyphens."
        )
    name = text(properties.get("DBName"))
    if name is not None and not _DATABASE.fullmatch(name):
        yield "DBName must begin with a letter and contain only alphanumeric characters."


def _windows(properties: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html"""
    backup, upkeep = (
        text(properties.get("PreferredBackupWindow")),
        text(properties.get("PreferredMaintenanceWindow")),
    )
    daily = _daily(backup) if backup is not None else set()
    weekly = _weekly(upkeep) if upkeep is not None else set()
    for name, given, minutes in (("backup", backup, daily), ("maintenance", upkeep, weekly)):
        if given is not None and len(minutes) < 30:
            yield f"Invalid {name} window {given}: hh24:mi-hh24:mi, at least 30 minutes, is due."
    if any(minute % _DAY in daily for minute in weekly):
        yield "The backup window and maintenance window must not overlap."


def _daily(window: str) -> set[int]:
    match = _TIMES.fullmatch(window)
    if match is None:
        return set()
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return {minute % _DAY for minute in range(start, end if end > start else end + _DAY)}


def _weekly(window: str) -> set[int]:
    first, _, last = window.lower().partition("-")
    try:
        start, end = _minute(first), _minute(last)
    except ValueError:
        return set()
    return {minute % (7 * _DAY) for minute in range(start, end if end > start else end + 7 * _DAY)}


def _minute(of_the_week: str) -> int:
    day, hours, minutes = of_the_week.split(":")
    return _DAYS.index(day) * _DAY + int(hours) * 60 + int(minutes)
