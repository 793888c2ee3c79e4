"""Who GitHub Actions is in AWS: the roles' names, by convention, and the repository that may wear them.

Nothing here asks AWS. The roles are made by bootstrap; workflows find them by name, so that a repository
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
"""Whose role launches in other regions (regional.yml, .taskcat.yml); no environment may be called so."""

# Where the names of a role, a stack and a load balancer begin alike, a role would reach what is not its own.
_RESERVED = ("github", REGIONAL)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, organization/name. ids: the numbers of both, where its subjects carry them."""

    name: str
    ids: tuple[str, str] | None = None

    @property
    def with_ids(self) -> str:
        """organization@number/name@number as GitHub writes it into subjects, or nothing."""
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
    """The boundary that this caller must put on every role it makes; None unless it is the deploy role.

    caller: the Arn of GetCallerIdentity's answer.
    """
    spec = re.fullmatch(
        rf"arn:([a-z-]+):sts::(\d{{12}}):assumed-role/{re.escape(service)}-{re.escape(environment)}-deploy/.+",
        caller,
    )
    return f"arn:{spec[1]}:iam::{spec[2]}:policy/{service}-boundary" if spec else None


def repository(name: str, owner_id: str, repository_id: str) -> Repository:
    """A repository as somebody named it. Raises UsageError where GitHub could not call one so."""
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
    """organization/repository of git's remote `origin`. Raises UsageError where it does not lie on GitHub."""
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
    """That what CloudFormation makes for an environment can be told by its name. Raises UsageError.

    It names a role after its stack, and of a stack's name it keeps 24 characters where the whole would be too
    long; that is what others saw, AWS does not say. The deploy role goes by `<service>-<environment>-`.
    """
    if len(f"{service}-{environment}-") > 24:
        raise UsageError(
            f"the names {service} and {environment} are too long together",
            why="CloudFormation cuts long names of roles; 22 letters for both are what it leaves",
            next_step="give the environment, or the service, a shorter name",
        )


def must_be_apart(environments: Iterable[Environment]) -> None:
    """That no environment's role reaches another's things, which names decide. Raises UsageError.

    environments: all of the project; those of different accounts cannot reach each other anyway.
    """
    every = sorted(environments, key=lambda each: each.name)
    for one in every:
        if one.name.partition("-")[0] in _RESERVED:
            raise UsageError(
                f"an environment can't be called {one.name}",
                why="what makes GitHub's roles and what is launched in other regions is called so",
                next_step="give it another name",
            )
        for other in every:
            if other.account == one.account and other.name.startswith(f"{one.name}-"):
                raise UsageError(
                    f"the role of {one.name} would reach {other.name} too",
                    why=f"what belongs to {other.name} has names that begin with {one.name}-",
                    next_step="give one of them another name, or an account of its own",
                )
