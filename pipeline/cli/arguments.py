"""The command line: every command with its arguments. What runs them is in commands."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
STRATEGIES = ("BLUE_GREEN", "CANARY", "LINEAR", "ROLLING")


def parser(**run: Run) -> argparse.ArgumentParser:
    """The parser. run: command -> the function that its arguments are given to."""
    does = "From git push to a tested, zero-downtime release on AWS ECS Fargate."
    top = argparse.ArgumentParser(prog="python -m pipeline", description=does)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help_: str, *, as_json: bool = True) -> argparse.ArgumentParser:
        sub = _told(commands, name, help_)
        sub.add_argument("environment", metavar="ENV", help="an environment: a file in infra/environments/")
        if as_json:
            sub.add_argument("--json", action="store_true", help="one JSON document on standard output")
        sub.set_defaults(run=run[name], json=False, command=name)
        return sub

    plan = command("plan", "Show what a deploy would change; nothing that lasts is touched.")
    review = "write it for a review, too, as Markdown; data that would be lost is then an error"
    plan.add_argument("--markdown", metavar="FILE", type=Path, help=review)
    deploy = command("deploy", "Bring an environment up to date and test it.")
    deploy.add_argument("--image", metavar="URI@DIGEST", help="release this image instead of building app/")
    another = "the service in DIRECTORY instead of the one in app/"
    deploy.add_argument("--app", metavar="DIRECTORY", type=Path, help=another)
    moves = f"how traffic moves this time, instead of what the file says: {', '.join(STRATEGIES)}"
    deploy.add_argument("--strategy", choices=("", *STRATEGIES), metavar="STRATEGY", help=moves)
    cure = "begin although an alarm is in ALARM (rollback always does)"
    deploy.add_argument("--despite-alarms", action="store_true", help=cure)
    _of_a_rollout(deploy)
    rollback = command("rollback", "Stop the rollout that is under way, else release the version before.")
    straight = "answer the gates at once: no migration, no test of the version"
    rollback.add_argument("--straight", action="store_true", help=straight)
    _of_a_rollout(rollback)
    command("status", "Show stacks, versions, tasks and targets.")
    command("smoke", "Test the running service at its load balancer.")
    logs = command("logs", "Show the service's latest log lines.", as_json=False)
    logs.add_argument("--since", default="10m", metavar="TIME", help="how far back: 30s, 10m, 2h, 1d (10m)")
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    destroy = command("destroy", "Delete an environment.", as_json=False)
    destroy.add_argument("--confirm", metavar="ENV", default="", help="the environment's name once more")
    destroy.add_argument("--only-ask", action="store_true", help="say whether it would be refused, no more")
    image = command("image", "Build and push the image of app/, or find it, and nothing else.")
    image.add_argument("--app", metavar="DIRECTORY", type=Path, help=another)
    shared = "refuse where the image would not be in these environments' repository"
    image.add_argument("--shared-with", metavar="'ENV ...'", default="", help=shared)
    verify = command("verify", "Verify that GitHub built an image here, before its release.", as_json=False)
    verify.add_argument("--image", metavar="URI@DIGEST", required=True, help="the image, or its digest alone")
    source = _told(commands, "source", "Find the app/ to build, at another commit if one is named.")
    source.add_argument("--ref", default="", help="a commit, tag or branch that is part of this checkout")
    source.set_defaults(run=run["source"], json=False, command="source")
    reach = _told(commands, "environments", "Say which environments a workflow can reach.")
    reach.add_argument("--wanted", default="", metavar="ENV", help="refuse where this one is not reached")
    reach.add_argument("--fork", default="", metavar="yes", help="it runs for a fork, and reaches none")
    reach.set_defaults(run=run["environments"], json=False, command="environments")
    regional = command(
        "regional", "Launch everything in other regions with taskcat, test it there, delete it."
    )
    regional.add_argument("regions", metavar="REGION", nargs="+", help="AWS regions")
    newest = "the image to launch, by digest (the newest in ENV's repository)"
    regional.add_argument("--image", metavar="URI@DIGEST", help=newest)
    command("identity", "Print the roles that a workflow signs in with, as step outputs.", as_json=False)
    prepare = "Make the account of these environments ready for GitHub Actions."
    _of_github(_told(commands, "bootstrap", prepare), run["bootstrap"])
    drift = command("drift", "Find what was changed past CloudFormation.")
    drift.add_argument("--markdown", metavar="FILE", type=Path, help="write it as Markdown, too")
    _of_posts(_told(commands, "github", "Keep a comment or an issue up to date."), run)
    local = _told(commands, "local", "Start the local AWS, take it away, or show what it has.")
    local.add_argument("action", choices=("up", "down", "status"))
    local.set_defaults(run=run["local"], json=False, command="local")
    return top


def _told(commands: Any, name: str, help_: str) -> argparse.ArgumentParser:
    """A command that says the same in its own help as in the list of all."""
    added: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_)
    return added


def _of_github(sub: argparse.ArgumentParser, run: Run) -> None:
    each = "an environment: a file in infra/environments/; all in one account and region"
    sub.add_argument("environments", metavar="ENV", nargs="+", help=each)
    sub.add_argument("--repository", metavar="ORG/REPO", default="", help="on GitHub (git's origin)")
    ids = "its number, where the repository's OIDC subjects carry numbers"
    sub.add_argument("--owner-id", metavar="NUMBER", default="", help=f"the organization, {ids}")
    sub.add_argument("--repository-id", metavar="NUMBER", default="", help=f"the repository, {ids}")
    sub.add_argument("--branch", default="main", help="whose pushes build images (main)")
    regional = "with a role that launches everything in other regions, for regional.yml"
    sub.add_argument("--regional", action="store_true", help=regional)
    sub.set_defaults(run=run, json=False, command="bootstrap")


def _of_posts(github: argparse.ArgumentParser, run: Mapping[str, Run]) -> None:
    actions = github.add_subparsers(required=True, metavar="ACTION")
    files = "Markdown files, joined in this order"
    comment = _told(actions, "comment", "Keep one comment on the workflow's pull request.")
    comment.add_argument("--marker", required=True, metavar="NAME", help="what it is found by again")
    comment.add_argument("files", nargs="+", metavar="FILE", type=Path, help=files)
    comment.set_defaults(run=run["comment"], json=False, command="github comment")
    issue = _told(actions, "issue", "Keep one issue: opened or updated, or closed if it is open.")
    issue.add_argument("--label", required=True, metavar="NAME", help="its label, by which it is found")
    what = issue.add_mutually_exclusive_group(required=True)
    what.add_argument("--title", help="its title")
    what.add_argument("--close", action="store_true", help="what it told of is gone")
    issue.add_argument("files", nargs="*", metavar="FILE", type=Path, help=files)
    issue.set_defaults(run=run["issue"], json=False, command="github issue")


def _of_a_rollout(sub: argparse.ArgumentParser) -> None:
    patience = "how long to wait for another deploy of ENV to end; 0 is refused at once (as a stack may take)"
    sub.add_argument("--wait", metavar="MINUTES", type=float, help=patience)
    where = "where the production probe keeps its ledger (.slipway/)"
    sub.add_argument("--ledger", metavar="FILE", type=Path, help=where)
