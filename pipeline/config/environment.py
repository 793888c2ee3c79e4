"""An environment file, infra/environments/<name>.yaml, as a typed and validated value."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from pipeline.config import strict_yaml
from pipeline.errors import EnvironmentFileError, UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

NAME = re.compile(r"(?=.{1,20}$)[a-z](-?[a-z0-9])*")
PLACEHOLDER_ACCOUNT = "0" * 12
"""The account in an environment file until somebody puts their own there."""

_AS_WRITTEN = ("target", "account", "region", "parameters")
"""The keys whose values are text: what the file has is what arrives."""

_MEANINGS = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "missing": "is missing",
    "model_type": "must be a mapping",
}


_FORMS = {
    "account": (r"\d{12}", 'an AWS account id: 12 digits in quotes, "123456789012"'),
    "region": (r"[a-z]{2,4}(-[a-z]+)+-\d", "an AWS region such as eu-west-1"),
}


class Rollout(BaseModel):
    """How a rollout of this environment is watched.

    healthy_within_minutes: the rollout is rolled back unless all new tasks are healthy by then.
    migration_minutes: how long the migration may take. probes_per_second: the production probe's rate.
    failed_probes: the rollout is rolled back after this many failed requests of the probe within
    failed_probes_within_seconds, from the first traffic shift on.
    alarms_clear_within_minutes: how long a release waits for alarms that a failed rollout left in ALARM.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    healthy_within_minutes: float = Field(default=15.0, gt=0, le=1440)
    migration_minutes: float = Field(default=20.0, gt=0, le=1440)
    probes_per_second: float = Field(default=5.0, gt=0, le=50)
    failed_probes: int = Field(default=3, ge=1)
    failed_probes_within_seconds: float = Field(default=60.0, gt=0, le=86400)
    alarms_clear_within_minutes: float = Field(default=10.0, gt=0, le=1440)


class Environment(BaseModel):
    """One environment. account: 12 digits; stack_timeout_minutes: how long one stack may take.

    parameters: template parameter -> value, as the text that the file has. CloudFormation takes text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    target: Literal["aws", "local"]
    account: str
    region: str
    protected: bool = False
    stack_timeout_minutes: int = Field(default=120, ge=1, le=2160)
    rollout: Rollout = Field(default_factory=Rollout)
    parameters: dict[str, str] = Field(default_factory=dict)

    @field_validator("account", "region")
    @classmethod
    def _in_form(cls, value: str, field: ValidationInfo) -> str:
        pattern, words = _FORMS[str(field.field_name)]
        if not re.fullmatch(pattern, value):
            raise ValueError(f"is {value!r}; it must be {words}")
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _as_cloudformation_text(cls, values: object) -> dict[str, str]:
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise ValueError("must be a mapping of template parameter to value")
        if faults := [fault for key, value in values.items() if (fault := _value_fault(str(key), value))]:
            raise ValueError("; ".join(faults))
        return {str(k): ",".join(v) if isinstance(v, list) else v for k, v in values.items()}


def names(directory: Path) -> list[str]:
    """The names of all environments that have a file, sorted."""
    return sorted(file.stem for file in directory.glob("*.yaml"))


def load(name: str, directory: Path) -> Environment:
    """The environment called `name`.

    Raises UsageError for an unknown name and EnvironmentFileError with every fault of the file at once.
    """
    known = names(directory)
    if name not in known:
        raise UsageError(
            f"there is no environment called {name!r}",
            why=f"known are {', '.join(known) or 'none'}" + did_you_mean(name, known),
            next_step=f"name one of these, or write infra/environments/{name}.yaml"
            if NAME.fullmatch(name)
            else "name one of these",
        )
    file = directory / f"{name}.yaml"
    shown = f"infra/environments/{file.name}"
    if not NAME.fullmatch(name):
        fault = "must be 1 to 20 of a-z and 0-9 with single hyphens between them, and start with a letter"
        raise _faulty(shown, [f"the name {fault}"])
    try:
        values = strict_yaml.load(file.read_text(encoding="utf-8"), as_written=_AS_WRITTEN)
    except yaml.YAMLError as error:
        problem, line = strict_yaml.describe(error)
        raise _faulty(f"{shown}:{line}", [problem]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _faulty(shown, [str(error)]) from error
    if not isinstance(values, dict):
        raise _faulty(shown, ["must be a mapping: target, account, region, parameters"])
    if "name" in values:
        raise _faulty(shown, ["name: the file's own name is the environment's; remove this key"])
    try:
        return Environment(name=name, **{str(key): value for key, value in values.items()})
    except ValidationError as error:
        raise _faulty(shown, [_fault(item) for item in error.errors()]) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "TaskCount"?` where one of the known words is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def _faulty(where: str, faults: list[str]) -> EnvironmentFileError:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return EnvironmentFileError(
        f"{where} has {count}", next_step="mend the file and run the command again", details=faults
    )


def _fault(item: "ErrorDetails") -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        model = Rollout if item["loc"][0] == "rollout" else Environment
        fields = [field for field in model.model_fields if field != "name"]
        guess = did_you_mean(str(item["loc"][-1]), fields)
        return f"{key}: unknown key; allowed are {', '.join(fields)}{guess}"
    if item["type"] == "literal_error":
        return f"{key}: is {item['input']!r}; allowed are {item['ctx']['expected']}"
    if item["type"] == "value_error":
        return f"{key}: {item['ctx']['error']}"
    if item["type"] in _MEANINGS:
        given = "" if item["type"] == "missing" else f"is {item['input']!r}; "
        return f"{key}: {given}{_MEANINGS[item['type']]}"
    return f"{key}: is {item['input']!r}; {item['msg']}"


def _value_fault(key: str, value: object) -> str | None:
    items = value if isinstance(value, list) else [value]
    if any(item is None for item in items):
        return (
            f"{key}: has no value, as ~, null and nothing have none: remove the key to take the template's "
            'default, or write the text in quotes: "", "~", "null"'
        )
    if not all(isinstance(item, str) for item in items):
        return f"{key}: a value must be text, a number, true/false, or a list of those"
    if isinstance(value, list) and (commas := [item for item in value if "," in item]):
        return f"{key}: CloudFormation would split the item {commas[0]!r} at its comma"
    return None
