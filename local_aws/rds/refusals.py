"""What RDS refuses before it creates or changes a DB instance, in its own words.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from collections.abc import Mapping
from typing import Any

from local_aws.emulator.registry import Properties, Registry
from pipeline.refusals.databases import master_user_refusals

ENGINES = ("mysql", "mariadb")


def refuse_instance(registry: Registry, properties: Properties) -> None:
    """Raise ValueError in RDS's words when RDS refuses these properties."""
    engine = properties.get("Engine", "")
    if engine not in ENGINES:
        raise _invalid(f"The local AWS runs {' and '.join(ENGINES)}, not {engine or 'nothing'}")
    refuse_master(properties)
    groups = registry.records("AWS::RDS::DBSubnetGroup")
    group = groups.get(properties.get("DBSubnetGroupName", ""))
    if properties.get("DBSubnetGroupName") and group is None:
        raise _refused(f"DB subnet group '{properties['DBSubnetGroupName']}' does not exist.", 404)
    name, known = properties.get("DBParameterGroupName", ""), registry.records("AWS::RDS::DBParameterGroup")
    if name and not name.startswith("default.") and name not in known:
        raise _refused(f"DBParameterGroup not found: {name}", 404)
    refuse_security_groups(
        list(properties.get("VPCSecurityGroups") or []),
        registry.records("AWS::EC2::SecurityGroup"),
        (group or {}).get("VpcId"),
    )


def refuse_master(properties: Properties) -> None:
    """Raise ValueError when RDS refuses the master user's name or password."""
    user, password = str(properties.get("MasterUsername", "")), str(properties.get("MasterUserPassword", ""))
    for words in master_user_refusals(user):
        raise _invalid(words)
    if not 8 <= len(password) <= 41:
        raise _invalid(
            "The parameter MasterUserPassword is not a valid password because it is "
            + ("shorter than 8 characters." if len(password) < 8 else "longer than 41 characters.")
        )
    if not all(33 <= ord(letter) <= 126 and letter not in "/@\"'" for letter in password):
        raise _invalid(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )


def refuse_security_groups(ids: list[str], known: Mapping[str, Any], vpc_id: str | None) -> None:
    """Raise ValueError unless each security group exists in the VPC of the DB subnet group."""
    for group_id in ids:
        if group_id not in known:
            raise _invalid(f"Invalid security group , groupId= {group_id}, groupName=.")
        group_vpc = known[group_id].get("VpcId")
        if vpc_id and group_vpc != vpc_id:
            raise _invalid(
                "The DB instance and EC2 security group are in different VPCs. "
                f"The DB instance is in {vpc_id} and the EC2 security group is in {group_vpc}"
            )


def _invalid(message: str) -> ValueError:
    return _refused(message, 400)


def _refused(message: str, status: int) -> ValueError:
    return ValueError(f"{message} (Service: Rds, Status Code: {status})")
