"""The commands that let GitHub Actions into an account: bootstrap, and identity, which workflows run."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.account import roles
from pipeline.cli import connect
from pipeline.cli.command import ENVIRONMENT, Argument, command, flag, option
from pipeline.config import environment, project
from pipeline.github import step_outputs

NUMBERS = "number, where the repository's OIDC subjects carry numbers"

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter


@command("identity", "Print the roles that a workflow signs in with, as step outputs.", ENVIRONMENT)
def identity(arguments: argparse.Namespace, _: "Reporter") -> None:
    """Print what a workflow must know to sign in, and give it as step outputs. AWS is not asked."""
    here = project.find(Path.cwd())
    loaded = environment.load(arguments.environment, here.environments)
    facts = roles.facts(loaded, here.service)
    for name, value in facts.items():
        print(f"{name}={value}")
    step_outputs.give(**facts)


@command(
    "bootstrap",
    "Make the account of these environments ready for GitHub Actions.",
    option(
        "environments",
        "ENV",
        "an environment: a file in infra/environments/; all in one account and region",
        nargs="+",
    ),
    option("--repository", "ORG/REPO", "the repository on GitHub (git's origin)", default=""),
    option("--owner-id", "NUMBER", f"the organization's {NUMBERS}", default=""),
    option("--repository-id", "NUMBER", f"the repository's {NUMBERS}", default=""),
    Argument("--branch", default="main", help="the branch whose pushes build images (main)"),
    flag("--regional", "also make the role that launches everything in other regions, for regional.yml"),
)
def bootstrap(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Make an account ready for the workflows of a repository."""
    here = project.find(Path.cwd())
    every = [environment.load(name, here.environments) for name in environment.names(here.environments)]
    roles.must_be_apart(every)
    regional = [roles.REGIONAL] if arguments.regional else []
    for name in (*arguments.environments, *regional):
        roles.must_be_short(here.service, name)
    contexts = [connect.open_environment(name) for name in arguments.environments]
    repository = roles.repository(
        arguments.repository or roles.of_origin(here.root), arguments.owner_id, arguments.repository_id
    )
    from pipeline.account import bootstrap as account
    from pipeline.account import free_plan, quotas

    log = reporter.log("bootstrap")
    with reporter:
        account.run(contexts, repository, arguments.branch, log, regional=arguments.regional)
        free_plan.report(contexts, log)
        quotas.report(contexts, log)
    for line in _next_steps(repository, [*arguments.environments, *regional]):
        print(line)


def _next_steps(repository: roles.Repository, environments: list[str]) -> list[str]:
    where = f"https://github.com/{repository.name}/settings/environments"
    return [
        f"The workflows of {repository.name} can sign in. What is left, once:",
        f"  1. On GitHub, make the environments {', '.join(environments)}, called exactly so: {where}",
        "     Only the branch main may deploy to them; give production its reviewers.",
        "  2. Commit infra/environments/ with the account numbers in it.",
        "  3. Push to main. docs/going-live.md says what you will see.",
    ]
