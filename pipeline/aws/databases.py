"""An RDS DB instance as it is, and what waits for its maintenance window.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.aws.errors import Tolerated

if TYPE_CHECKING:
    from types_boto3_rds import RDSClient
    from types_boto3_rds.type_defs import DBInstanceTypeDef

_HIDDEN = {"MasterUserPassword": "another one"}


@dataclass(frozen=True)
class Database:
    """A DB instance. window: ddd:hh24:mi-ddd:hh24:mi in UTC.

    pending: PendingModifiedValues, setting -> value as text. restart: parameters wait until somebody restarts
    the instance.
    """

    identifier: str
    status: str
    instance_class: str
    engine: str
    window: str
    pending: Mapping[str, str] = field(default_factory=dict)
    restart: bool = False


def describe(rds: "RDSClient", identifier: str) -> Database | None:
    """The DB instance as it is now; None where somebody deleted the instance."""
    found: list[DBInstanceTypeDef] = []
    with Tolerated("DBInstanceNotFound", "DBInstanceNotFoundFault"):
        found = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    if not found:
        return None
    raw, pending = found[0], found[0].get("PendingModifiedValues", {})
    groups = raw.get("DBParameterGroups", [])
    return Database(
        identifier,
        raw.get("DBInstanceStatus", ""),
        raw.get("DBInstanceClass", ""),
        f"{raw.get('Engine', '')} {raw.get('EngineVersion', '')}",
        raw.get("PreferredMaintenanceWindow", ""),
        {name: _HIDDEN.get(name, _text(value)) for name, value in sorted(pending.items())},
        any(group.get("ParameterApplyStatus") == "pending-reboot" for group in groups),
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
