"""The roles of GitHub Actions in AWS: their names, by convention, and the repository that may assume them.

Nothing here asks AWS. `bootstrap` makes the roles; workflows find the roles by name, so that a repository
needs neither secrets nor variables. https://docs.github.com/en/actions/reference/security/oidc
"""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.environment import Environment
from pipeline.errors import UsageError

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
_ORIGIN = re.compile(r"(?:https://|ssh://)?(?:[^@/]+@)?github\.com[:/]([^/]+/[^/]+?)(?:\.git)?/?")
REGIONAL = "regional"
"""The environment of the role that launches in other regions (regional.yml); no file may have this name."""

# A role may touch what has a name of its prefix: an environment of such a name would reach these stacks.
_RESERVED = ("github", REGIONAL)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, organization/name. ids: the numbers of both, where OIDC subjects carry them."""

    name: str
    ids: tuple[str, str] | None = None

    @property
    def with_ids(self) -> str:
        """organization@number/name@number as GitHub writes it into OIDC subjects, or ""."""
        if self.ids is None:
            return ""
        owner, _, name = self.name.partition("/")
        return f"{owner}@{self.ids[0]}/{name}@{self.ids[1]}"


def partition(region: str) -> str:
    """The partition that an ARN in this region begins with."""
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


def facts(environment: Environment, service: str) -> dict[str, str]:
    """What a workflow must know to sign in, by the name of the step's output."""
    roles = f"arn:{partition(environment.region)}:iam::{environment.account}:role/{service}"
    return {
        "deploy-role": f"{roles}-{environment.name}-deploy",
        "plan-role": f"{roles}-plan",
        "registry-role": f"{roles}-registry",
        "regional-role": f"{roles}-{REGIONAL}-deploy",
        "region": environment.region,
        "account": environment.account,
    }


def boundary_of(caller: str, service: str, environment: str) -> str | None:
    """The ARN of the boundary that the deploy role must put on every role; None for any other caller.

    caller: the Arn of GetCallerIdentity's answer.
    """
    spec = re.fullmatch(
        rf"arn:([a-z-]+):sts::(\d{{12}}):assumed-role/{re.escape(service)}-{re.escape(environment)}-deploy/.+",
        caller,
    )
    return f"arn:{spec[1]}:iam::{spec[2]}:policy/{service}-boundary" if spec else None


def repository(name: str, owner_id: str, repository_id: str) -> Repository:
    """The repository of this name. Raises UsageError for a name or numbers that no repository has."""
    if not _REPOSITORY.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a repository on GitHub", next_step="name it REPOSITORY=organization/repository"
        )
    if bool(owner_id) != bool(repository_id) or not f"0{owner_id}{repository_id}".isdigit():
        raise UsageError(
            "the numbers of a repository are two, its owner's and its own",
            why="GitHub puts both into the subject of its tokens, or none",
            next_step=f"gh api repos/{name} --jq '.owner.id, .id' shows them: ORG_ID=... REPO_ID=...",
        )
    return Repository(name, (owner_id, repository_id) if owner_id else None)


def of_origin(root: Path) -> str:
    """organization/repository of git's remote `origin`. Raises UsageError where that is not on GitHub."""
    asked = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), "remote", "get-url", "origin"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    found = _ORIGIN.fullmatch(asked.stdout.strip())
    if found is None:
        raise UsageError(
            "which repository on GitHub may sign in is not known",
            why=f"the remote origin is {asked.stdout.strip() or 'not set'}",
            next_step='make bootstrap ENV="dev staging prod" REPOSITORY=organization/repository',
        )
    return found[1]


def must_be_short(service: str, environment: str) -> None:
    """Raises UsageError where CloudFormation would cut the environment out of the name of a role.

    CloudFormation names a role after its stack, and keeps 24 characters of a long stack name. AWS does not
    document the number; others have observed it. The deploy role may touch `<service>-<environment>-*` only.
    """
    if len(f"{service}-{environment}-") > 24:
        raise UsageError(
            f"the names {service} and {environment} are too long together",
            why="CloudFormation cuts long names of roles, and leaves 22 letters for both",
            next_step="give the environment, or the service, a shorter name",
        )


def must_be_apart(environments: Iterable[Environment]) -> None:
    """Raises UsageError where the name of an environment lets its role reach another environment.

    environments: all of the project. Environments in different accounts cannot reach each other.
    """
    every = sorted(environments, key=lambda each: each.name)
    for one in every:
        if one.name.partition("-")[0] in _RESERVED:
            raise UsageError(
                f"an environment can't be called {one.name}",
                why="the stacks of GitHub's roles, or of launches in other regions, have this name",
                next_step="give it another name",
            )
        for other in every:
            if other.account == one.account and other.name.startswith(f"{one.name}-"):
                raise UsageError(
                    f"the role of {one.name} would reach {other.name} too",
                    why=f"the names of {other.name}'s resources begin with {one.name}-",
                    next_step="give one of them another name, or an account of its own",
                )
