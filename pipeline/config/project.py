"""The project that a command runs in: its root directory and its service's name."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError

SERVICE_NAME = re.compile(r"(?=.{2,20}$)(?!aws|ssm|slipway$)[a-z](-?[a-z0-9])+")
"""ECR takes no name of one letter: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
ECR and RDS take no two hyphens in a row, and resource names put a hyphen after the service's name. SSM
refuses names that begin with aws or ssm:
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
/slipway/ is where the locks and records of all services lie in SSM.
"""


@dataclass(frozen=True)
class Project:
    """A checkout with `[tool.slipway]` in its pyproject.toml. another_app: used instead of app/."""

    root: Path
    service: str
    version: str
    another_app: Path | None = None

    @property
    def templates(self) -> Path:
        """The directory of the templates."""
        return self.root / "infra"

    @property
    def environments(self) -> Path:
        """The directory of the environment files."""
        return self.root / "infra" / "environments"

    @property
    def app(self) -> Path:
        """The directory of the service and its Dockerfile."""
        return self.another_app or self.root / "app"


def find(start: Path) -> Project:
    """The project that `start` lies in: `start` itself or a directory above.

    Raises UsageError where no pyproject.toml names a service, or where AWS would refuse the service's name.
    """
    for directory in (start.resolve(), *start.resolve().parents):
        file = directory / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{file} does not parse", why=str(error), next_step="mend that line") from error
        service = settings.get("tool", {}).get("slipway", {}).get("service")
        if service is None:
            continue
        if not isinstance(service, str) or not SERVICE_NAME.fullmatch(service):
            raise UsageError(
                f"{file}: [tool.slipway] service is {service!r}",
                why="it must be 2 to 20 of a-z and 0-9 with single hyphens between them, and start with a "
                "letter, but not with aws or ssm; and it may not be slipway",
                next_step='give it a name such as service = "orders"',
            )
        return Project(directory, service, str(settings.get("project", {}).get("version", "0")))
    raise UsageError(
        f"{start} is not inside a Slipway project",
        why="no pyproject.toml with [tool.slipway] service here or above",
        next_step="change into your checkout and run the command again",
    )
