"""What a change interrupts without replacing is told from RDS's table, which AWS's own words hold up."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from pipeline.cloudformation import change_set, interruptions
from pipeline.cloudformation.change_set import Changes, Detail, ResourceChange
from pipeline.cloudformation.interruptions import APPLY_IMMEDIATELY, DATABASE, PARAMETER_GROUP, RULES
from tests.support.fakes import FakeCloudFormation, Time

INTERRUPTS = re.compile(
    r"an outage occurs|causes an outage|results in an outage|database restarts|reboot of the DB"
)
NAMES = {"DBPortNumber": "Port"}
"""What ModifyDBInstance calls otherwise than the template does."""
REPLACED = {"DBSubnetGroupName", "NewDBInstanceIdentifier"}
"""CloudFormation replaces an instance for these."""


def change(
    name: str, *, kind: str = DATABASE, parameter: str = "", replacement: str = "False"
) -> ResourceChange:
    details = [Detail(name)]
    if parameter:
        details.append(Detail(f"Properties/{name}", "ParameterReference", parameter))
    return ResourceChange("Modify", "Database", kind, replacement, (name,), tuple(details))


def told(*changes: ResourceChange, before: Any = None, **after: str) -> list[str]:
    return [str(one) for one in interruptions.found(changes, before or {}, after)]


@pytest.mark.parametrize("name", ["DBInstanceClass", "EngineVersion", "LicenseModel"])
def test_a_change_that_restarts_the_database_is_told_with_when(name: str) -> None:
    waits, at_once = {APPLY_IMMEDIATELY: "false"}, {APPLY_IMMEDIATELY: "true"}

    assert [f"{name}: the database restarts in its maintenance window"] == told(change(name), **waits)
    assert [f"{name}: the database restarts at once"] == told(change(name), **at_once) == told(change(name))


def test_a_port_waits_for_no_window() -> None:
    assert ["Port: the database restarts at once, whatever the window"] == told(
        change("Port"), **{APPLY_IMMEDIATELY: "false"}
    )


@pytest.mark.parametrize(
    ("before", "after", "interrupts"),
    [("0", "7", True), ("7", "0", True), ("7", "14", False), (None, "14", True)],
)
def test_backups_interrupt_when_they_begin_or_end(before: str | None, after: str, interrupts: bool) -> None:
    known = {} if before is None else {"Days": before}
    found = told(change("BackupRetentionPeriod", parameter="Days"), before=known, Days=after)

    assert interrupts == bool(found)


def test_a_value_that_no_parameter_tells_is_taken_for_the_one_that_interrupts() -> None:
    assert ["BackupRetentionPeriod: the database restarts at once"] == told(change("BackupRetentionPeriod"))


def test_parameters_that_are_static_need_a_restart() -> None:
    group = change("Parameters", kind=PARAMETER_GROUP)

    assert ["Parameters: the database restarts at once if a parameter that changes is static"] == told(group)
    assert ["Parameters: a static parameter waits until somebody restarts the database"] == told(
        group, **{APPLY_IMMEDIATELY: "false"}
    )


@pytest.mark.parametrize(
    "harmless",
    [
        change("AllocatedStorage"),
        change("DBInstanceClass", replacement="True"),  # told as a replacement
        change("DBInstanceClass", kind="AWS::EC2::Instance"),
    ],
)
def test_what_interrupts_nothing_or_replaces_is_not_told_as_an_interruption(harmless: ResourceChange) -> None:
    assert [] == told(harmless)


def modify_db_instance() -> Iterator[tuple[str, str]]:
    """Setting and AWS's description of it."""
    service = botocore.session.get_session().get_service_model("rds")
    shape = service.operation_model("ModifyDBInstance").input_shape
    assert shape is not None
    for name, member in shape.members.items():  # type: ignore[attr-defined]
        yield NAMES.get(name, name), re.sub(r"<[^>]+>", "", member.documentation)


def test_every_setting_that_interrupts_in_awss_own_words_is_in_the_table() -> None:
    interrupting = {name for name, words in modify_db_instance() if INTERRUPTS.search(words)}

    assert {"DBInstanceClass", "EngineVersion", "Port"} <= interrupting
    assert interrupting - REPLACED <= RULES[DATABASE].keys()


def test_a_setting_that_never_interrupts_in_awss_words_is_not_in_the_table() -> None:
    never = {
        name
        for name, words in modify_db_instance()
        if re.search(r"(doesn't|does not) (result in|cause) an outage(?!,)", words)
    }

    assert {"AllocatedStorage", "MultiAZ", "MasterUserPassword"} & never
    assert set() == (never & RULES[DATABASE].keys()) - {"DBParameterGroupName", "DomainDnsIps"}


@pytest.mark.parametrize("kind", RULES)
def test_the_table_names_properties_that_the_resource_schema_has_and_does_not_replace_for(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema

    assert RULES[kind].keys() <= schema["properties"].keys()
    assert not {f"/properties/{name}" for name in RULES[kind]} & set(schema["createOnlyProperties"])


def test_a_condition_that_cannot_come_true_is_no_replacement() -> None:
    """AWS's change set says Conditional of a longer backup retention; its handler never replaces for that."""

    def replacement(*properties: tuple[str, str]) -> str:
        details = [
            {"Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreates}}
            for name, recreates in properties
        ]
        told = {"Action": "Modify", "LogicalResourceId": "Database", "ResourceType": DATABASE}
        cloudformation = FakeCloudFormation()
        cloudformation.have("db", "UPDATE_COMPLETE")
        cloudformation.changes = [
            {"ResourceChange": {**told, "Replacement": "Conditional", "Details": details}}
        ]
        changes = change_set.create_for_parameters(cloudformation, "db", {}, {}, Time().wait)  # type: ignore[arg-type]
        assert isinstance(changes, Changes)
        return changes.changes[0].replacement

    retention, cls = ("BackupRetentionPeriod", "Conditionally"), ("DBInstanceClass", "Never")

    assert "False" == replacement(retention, cls)
    assert "Conditional" == replacement(retention, ("DBSnapshotIdentifier", "Conditionally"))
    assert "Conditional" == replacement(("DBSubnetGroupName", "Always"))
    assert "Conditional" == replacement(cls)


def test_what_never_replaces_is_conditional_in_the_schema_and_nothing_that_holds_data_elsewhere() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", DATABASE).schema
    conditional = {path.rsplit("/", 1)[-1] for path in schema["conditionalCreateOnlyProperties"]}

    assert change_set._NEVER_REPLACES[DATABASE] - {"StorageType"} <= conditional
