"""The commands that let GitHub Actions into an account: bootstrap, and identity, which a workflow asks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import environment, identity, job_output, opening, project

if TYPE_CHECKING:
    from pipeline.report import Reporter


def show_identity(arguments: argparse.Namespace, _: "Reporter") -> None:
    """What a workflow must know to sign in, printed and as the step's outputs; AWS is not asked."""
    here = project.find(Path.cwd())
    wanted = environment.load(arguments.environment, here.environments)
    facts = identity.facts(wanted, here.service)
    for name, value in facts.items():
        print(f"{name}={value}")
    job_output.give(**facts)


def bootstrap(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Make an account ready for the workflows of a repository."""
    here = project.find(Path.cwd())
    every = [environment.load(name, here.environments) for name in environment.names(here.environments)]
    identity.must_be_apart(every)
    regional = [identity.REGIONAL] if arguments.regional else []
    for name in (*arguments.environments, *regional):
        identity.must_be_short(here.service, name)
    settings = [opening.setting(name) for name in arguments.environments]
    repository = identity.repository(
        arguments.repository or identity.of_origin(here.root), arguments.owner_id, arguments.repository_id
    )
    from pipeline import bootstrap as bootstrapping

    say = reporter.say("bootstrap")
    with reporter:
        bootstrapping.run(settings, repository, arguments.branch, say, regional=arguments.regional)
    for line in _next_steps(repository, [*arguments.environments, *regional]):
        print(line)


def _next_steps(repository: identity.Repository, environments: list[str]) -> list[str]:
    where = f"https://github.com/{repository.name}/settings/environments"
    return [
        f"The workflows of {repository.name} can sign in. What is left, once:",
        f"  1. On GitHub, make the environments {', '.join(environments)}, called exactly so: {where}",
        "     Only the branch main may deploy to them; give production its reviewers.",
        "  2. Commit infra/environments/ with the account numbers in it.",
        "  3. Push to main. docs/going-live.md says what you will see.",
    ]
