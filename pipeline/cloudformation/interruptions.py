"""What a change interrupts although it replaces nothing: RDS's own table, with its date.

A change set tells what is replaced, and not what restarts. For a DB instance RDS tells it, in two places:

- "Settings for DB instances" in the user guide, read on 2026-12-01:
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
- the descriptions of ModifyDBInstance, which botocore brings along; a test holds the table against them:
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html

Where changes are applied at once, CloudFormation restarts a database whose parameters wait for a restart:
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds (shouldReboot; 5a410e8).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.cloudformation.change_set import Detail, ResourceChange

DATABASE = "AWS::RDS::DBInstance"
PARAMETER_GROUP = "AWS::RDS::DBParameterGroup"
APPLY_IMMEDIATELY = "DatabaseApplyImmediately"
"""The template parameter that decides between now and the maintenance window."""


@dataclass(frozen=True)
class Rule:
    """What changing one property does. now, later: where changes are applied at once, and where they wait.

    between: it interrupts where this is the value before or the value after, and otherwise not.
    """

    now: str
    later: str
    between: str = ""


def _waits(does: str, *, between: str = "") -> Rule:
    return Rule(f"{does} at once", f"{does} in its maintenance window", between)


_RESTARTS = _waits("the database restarts")
_PARAMETERS = Rule(
    "the database restarts at once if a parameter that changes is static",
    "a static parameter waits until somebody restarts the database",
)

RULES: Mapping[str, Mapping[str, Rule]] = {
    DATABASE: {
        "BackupRetentionPeriod": _waits("the database restarts", between="0"),
        "CACertificateIdentifier": _waits("the database may restart"),
        "DBInstanceClass": _RESTARTS,
        "DBParameterGroupName": _PARAMETERS,
        "DedicatedLogVolume": _RESTARTS,
        "Domain": _waits("the database is away for a moment"),
        "EngineVersion": _RESTARTS,
        "LicenseModel": _RESTARTS,
        "NetworkType": _waits("the database may be away for a moment"),
        "OptionGroupName": _waits("the database may restart"),
        "Port": Rule("the database restarts at once", "the database restarts at once, whatever the window"),
        "PreferredMaintenanceWindow": Rule(
            "what is pending happens at once if the window is now",
            "what is pending happens at once if the window is now",
        ),
        "ProcessorFeatures": _RESTARTS,
        "StorageType": _waits("the database may be away for a moment"),
    },
    PARAMETER_GROUP: {"Parameters": _PARAMETERS},
}
"""Resource type -> property -> what a change of it does. The other properties interrupt nothing."""


@dataclass(frozen=True)
class Interruption:
    """One property whose change interrupts. told: a sentence on what happens, and when."""

    logical_id: str
    property: str
    told: str

    def __str__(self) -> str:
        return f"{self.property}: {self.told}"


def found(
    changes: Sequence[ResourceChange], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[Interruption, ...]:
    """What the changes interrupt without replacing. before, after: the stack's parameters.

    A value that no parameter tells may be the one that interrupts, and is taken for it.
    """
    return tuple(
        Interruption(change.logical_id, name, rule.later if _later(after) else rule.now)
        for change in changes
        if change.action == "Modify" and change.replacement == "False"
        for name, rule in RULES.get(change.type, {}).items()
        if (causes := [detail for detail in change.details if detail.name == name])
        and _interrupts(rule, causes, before, after)
    )


def _later(parameters: Mapping[str, str]) -> bool:
    return parameters.get(APPLY_IMMEDIATELY) == "false"


def _interrupts(
    rule: Rule, causes: Sequence[Detail], before: Mapping[str, str], after: Mapping[str, str]
) -> bool:
    parameters = [detail.cause for detail in causes if detail.source == "ParameterReference"]
    values = [values.get(name) for name in parameters for values in (before, after)]
    return not rule.between or not values or None in values or rule.between in values
