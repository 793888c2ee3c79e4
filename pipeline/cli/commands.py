"""What each command runs. A command imports what it needs when it runs: boto3 takes a third of a second."""

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import accounts, connect, images, reviews
from pipeline.cli.command import (
    APP,
    ENVIRONMENT,
    JSON,
    LEDGER,
    REPLACE,
    WAIT,
    Argument,
    command,
    flag,
    option,
    print_json,
    replaces,
)
from pipeline.config import environment, project
from pipeline.errors import SlipwayError, UsageError
from pipeline.github import step_outputs

STRATEGIES = ("BLUE_GREEN", "CANARY", "LINEAR", "ROLLING")

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter
    from pipeline.release.deploy import Released


@command(
    "deploy",
    "Bring an environment up to date and test it.",
    ENVIRONMENT,
    JSON,
    option("--image", "URI@DIGEST", "release this image instead of building app/"),
    APP,
    option(
        "--strategy",
        "STRATEGY",
        f"how traffic moves this time, instead of what the file says: {', '.join(STRATEGIES)}",
        choices=("", *STRATEGIES),
    ),
    flag("--despite-alarms", "begin although an alarm is in ALARM (rollback always does)"),
    REPLACE,
    option(
        "--commit", "COMMIT", "the commit of app/ to remember, where the checkout does not say it", default=""
    ),
    flag("--forward-only", "release nothing that is older than the commit that was released last"),
    WAIT,
    LEDGER,
)
def deploy(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Deploy and test. Step outputs: `url`, `version`."""
    context = connect.open_environment(arguments.environment, arguments.app, arguments.strategy)
    from pipeline.release import deploy as release
    from pipeline.rollout.options import RolloutOptions

    options = RolloutOptions(
        despite_alarms=arguments.despite_alarms,
        ledger=arguments.ledger,
        wait_minutes=arguments.wait,
        replaces=replaces(arguments.replace),
        commit=_commit(arguments),
        forward_only=arguments.forward_only,
    )
    reporter.expect(list(context.nodes))
    with reporter:
        released = release.deploy(
            context, reporter, connect.base_image(context), image_uri=arguments.image, options=options
        )
    return _shown(released, arguments, reporter, "deploy")


@command(
    "rollback",
    "Stop the rollout that is under way, else release the version before.",
    ENVIRONMENT,
    JSON,
    flag("--straight", "answer the gates at once: no migration, no test of the version"),
    WAIT,
    LEDGER,
)
def rollback(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Stop the rollout under way, else release the version before. Step outputs as of deploy."""
    context = connect.guarded(arguments.environment)
    from pipeline.release import rollback as back
    from pipeline.rollout.options import RolloutOptions
    from pipeline.rollout.record import RolloutRecord

    records: list[RolloutRecord] = []
    options = RolloutOptions(
        arguments.straight, ledger=arguments.ledger, wait_minutes=arguments.wait, on_finished=records.append
    )
    with reporter:
        image = back.interrupted(context)
        stopped = back.stop(context, reporter.log("rollback"), options) if image is None else None
        if stopped is None:
            reporter.expect(list(context.nodes))
            released = back.release_previous(context, reporter, options, image)
    if stopped is None:
        return _shown(released, arguments, reporter, "rollback")
    from pipeline.github import job_summary

    job_summary.write(job_summary.of_stopped(f"rollback {context.environment.name}", stopped, records))
    if arguments.json:
        print_json({"environment": context.environment.name, "stopped": stopped})
    return None


@command(
    "secret rotate",
    "Give one of the environment's own secrets a new value, and release it through the gates.",
    ENVIRONMENT,
    option("name", "NAME", "the secret as its template declares it: database/password"),
    JSON,
    WAIT,
    LEDGER,
)
def rotate(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Rotate a secret. Step outputs as of deploy."""
    context = connect.guarded(arguments.environment)
    from pipeline.release import rotation
    from pipeline.rollout.options import RolloutOptions

    options = RolloutOptions(ledger=arguments.ledger, wait_minutes=arguments.wait)
    reporter.expect(list(context.nodes))
    with reporter:
        released = rotation.rotate(context, reporter, arguments.name, options)
    return _shown(released, arguments, reporter, "secret rotate")


def _shown(
    released: "Released", arguments: argparse.Namespace, reporter: "Reporter", action: str
) -> SlipwayError | None:
    from pipeline.cli import release_report
    from pipeline.github import job_summary

    if released.notice:
        _left_alone(released, arguments, reporter)
        return None
    release_report.show(released, reporter.console, action)
    job_summary.write(job_summary.of_release(action, released, time.time()))
    if released.failure is None:
        step_outputs.give(url=released.url, version=released.version)
    if arguments.json:
        print_json(release_report.as_json(released))
    if released.failure is not None:
        reporter.errors_beside(released.failure, released.nodes.values())
    return released.failure


def _left_alone(released: "Released", arguments: argparse.Namespace, reporter: "Reporter") -> None:
    from pipeline.cli import release_report
    from pipeline.github import job_summary

    reporter.notice(released.notice)
    job_summary.write(job_summary.of_notice(f"deploy {released.environment}", released.notice))
    step_outputs.give(url=released.url)
    if arguments.json:
        print_json(release_report.as_json(released))


def _commit(arguments: argparse.Namespace) -> str:
    """The commit that --commit names. Raises UsageError where it is none, or --forward-only lacks one."""
    if arguments.commit and not re.fullmatch(r"[0-9a-f]{40}(-dirty)?", arguments.commit):
        raise UsageError(f"--commit is {arguments.commit!r}", next_step="name a commit by its 40 digits")
    if arguments.forward_only and not arguments.commit:
        raise UsageError(
            "--forward-only compares commits", next_step="name the one to release: --commit COMMIT"
        )
    return str(arguments.commit)


@command("smoke", "Test the running service at its load balancer.", ENVIRONMENT, JSON)
def smoke(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Run the smoke tests against what is deployed. Step outputs: `url`, `version`."""
    context = connect.guarded(arguments.environment)
    from pipeline.checks.smoke import failure_of
    from pipeline.cli.release_report import checks_as_json
    from pipeline.github import job_summary
    from pipeline.inspect.status import run_smoke_tests

    with reporter:
        url, version, checks = run_smoke_tests(context, reporter.checked)
    failure = failure_of(checks, url, context.environment.name)
    job_summary.write(job_summary.of_smoke(context.environment.name, url, checks, failure))
    step_outputs.give(url=url, version=version)
    if arguments.json:
        print_json({"url": url, "checks": checks_as_json(checks)})
    return failure


@command("status", "Show stacks, versions, tasks and targets.", ENVIRONMENT, JSON)
def status(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Show the status of the environment."""
    context = connect.guarded(arguments.environment)
    from pipeline.cli import status_report
    from pipeline.inspect.status import describe

    seen = describe(context)
    if arguments.json:
        print_json(status_report.as_json(seen))
    else:
        status_report.show(seen, reporter.console)
    return None


@command("history", "List the last releases and rollbacks, and how they ended.", ENVIRONMENT, JSON)
def history(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """List what was released, from the record that the environment keeps."""
    context = connect.guarded(arguments.environment)
    from pipeline.cli import history_report
    from pipeline.inspect.history import describe

    releases = describe(context)
    if arguments.json:
        print_json(history_report.as_json(context.environment.name, releases))
    else:
        history_report.show(context.environment.name, releases, reporter.console)
    return None


@command(
    "logs",
    "Show the service's latest log lines.",
    ENVIRONMENT,
    option("--since", "TIME", "how far back: 30s, 10m, 2h, 1d (10m)", default="10m"),
    flag("--follow", "go on until Ctrl-C"),
)
def logs(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Print the service's log lines."""
    context = connect.guarded(arguments.environment)
    from pipeline.inspect.logs import seconds, tail

    tail(context, seconds(arguments.since), reporter.plain, follow=arguments.follow)
    return None


@command(
    "destroy",
    "Delete an environment.",
    ENVIRONMENT,
    option("--confirm", "ENV", "the environment's name once more", default=""),
    flag("--only-ask", "only say whether the deletion would be refused"),
)
def destroy(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Delete the environment, once its name is confirmed."""
    from pipeline.github import job_summary
    from pipeline.release import destroy as deletion

    loaded = environment.load(arguments.environment, project.find(Path.cwd()).environments)
    deletion.must_be_meant(loaded, arguments.confirm)
    if arguments.only_ask:
        return None
    context = connect.guarded(arguments.environment)
    with reporter:
        failure = deletion.destroy(context, reporter)
    job_summary.write(job_summary.of_nodes(f"destroy {context.environment.name}", reporter.nodes(), failure))
    return failure


@command(
    "regional",
    "Launch everything in other regions with taskcat, test it there, delete it.",
    ENVIRONMENT,
    JSON,
    option("regions", "REGION", "AWS regions", nargs="+"),
    option("--image", "URI@DIGEST", "the image to launch, by digest (the newest in ENV's repository)"),
)
def regional(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Launch, test and delete everything in other regions."""
    context = connect.guarded(arguments.environment)
    from pipeline.github import job_summary
    from pipeline.regional import run

    regions = list(dict.fromkeys(arguments.regions))
    with reporter:
        results, failure = run.run(context, regions, arguments.image, reporter.log)
        passed = sum(not one.cause for one in results)
        reporter.log("regional")(f"{passed} of {len(results)} regions passed; everything is deleted")
    rows = [(one.name, "failed" if one.cause else "passed", None) for one in results]
    job_summary.write(job_summary.of_nodes(f"regional {' '.join(regions)}", rows, failure))
    if arguments.json:
        print_json([vars(one) for one in results])
    return failure


@command(
    "local",
    "Start the local AWS, take it away, or show what it has.",
    Argument("action", choices=("up", "down", "status")),
)
def local(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Start, stop or show the local AWS."""
    import local_aws

    root, log = project.find(Path.cwd()).root, reporter.log("local")
    if arguments.action == "up":
        with reporter:
            up = local_aws.up(root, log)
        log(f"the local AWS answers at {up.endpoint_url}")
    elif arguments.action == "down":
        with reporter:
            local_aws.down(root, log)
    else:
        for line in local_aws.status(root):
            reporter.console.print(line, markup=False, highlight=False)
    return None


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    does = "From git push to a tested, zero-downtime release on AWS ECS Fargate."
    top = argparse.ArgumentParser(prog="python -m pipeline", description=does)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for one in (
        reviews.plan,
        deploy,
        rollback,
        status,
        history,
        smoke,
        logs,
        destroy,
        images.image,
        images.verify,
        images.source,
        images.environments,
        regional,
        accounts.identity,
        accounts.bootstrap,
        reviews.drift,
    ):
        one.add_to(commands, one.name)
    keep = "Keep a comment or an issue up to date."
    github = commands.add_parser("github", help=keep, description=keep)
    actions = github.add_subparsers(required=True, metavar="ACTION")
    reviews.comment.add_to(actions, "comment")
    reviews.issue.add_to(actions, "issue")
    one_of = "The secrets that the templates declare as their own."
    secret = commands.add_parser("secret", help=one_of, description=one_of)
    rotate.add_to(secret.add_subparsers(required=True, metavar="ACTION"), "rotate")
    local.add_to(commands, "local")
    return top
