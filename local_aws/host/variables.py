"""The environment variables SLIPWAY_LOCAL_*."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import UsageError

PREFIX = "SLIPWAY_LOCAL_"

Port = Annotated[int, Field(ge=1, le=65535)]

_A_PORT = ("is not a port", "set {variable} to a number from 1 to 65535")
_WORDS = {
    "port": _A_PORT,
    "http_port": _A_PORT,
    "minute_seconds": ("is not a number of seconds", "set it to a number above 0 and up to 60"),
    "account": ("is not an AWS account", "set it to a number of 12 digits"),
}


class Variables(BaseModel):
    """The values of the variables; None for a variable that is unset or empty.

    port: the TCP port of the API. http_port: of the first listener on port 80. minute_seconds: real seconds
    for each minute that AWS counts. record: a file that gets a JSON line for each call. hold: a file that a
    test writes the name of a lifecycle stage into, to keep deployments there.
    """

    model_config = ConfigDict(frozen=True)

    port: Port | None = None
    http_port: Port | None = None
    minute_seconds: Annotated[float, Field(gt=0, le=60)] | None = None
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    record: Path | None = None
    hold: Path | None = None

    def holds(self, stage: str) -> bool:
        """Whether the file `hold` names this lifecycle stage, which no deployment leaves meanwhile."""
        try:
            return self.hold is not None and self.hold.read_text(encoding="utf-8") == stage
        except FileNotFoundError:
            return False


def read(environ: Mapping[str, str]) -> Variables:
    """Read the variables from an environment. Raises UsageError for a value that is not allowed."""
    given: dict[str, Any] = {name: environ.get(variable(name)) or None for name in Variables.model_fields}
    try:
        return Variables(**given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        problem, next_step = _WORDS[name]
        raise UsageError(
            f"{variable(name)} {problem}: {given[name]!r}",
            next_step=next_step.format(variable=variable(name)),
        ) from error


def variable(name: str) -> str:
    """The environment variable of a field: SLIPWAY_LOCAL_HTTP_PORT for http_port."""
    return f"{PREFIX}{name.upper()}"
