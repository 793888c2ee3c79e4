"""What each command runs; it imports what it needs by itself, for boto3 takes a third of a second."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli import accounts, connect, images, reviews
from pipeline.cli import arguments as command_line
from pipeline.config import environment, project
from pipeline.errors import SlipwayError
from pipeline.github import step_outputs

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter
    from pipeline.release.deploy import Released


def parser() -> argparse.ArgumentParser:
    """The whole command line, each command with what runs it."""
    return command_line.parser(
        plan=reviews.plan,
        deploy=_deploy,
        rollback=_rollback,
        status=_status,
        smoke=_smoke,
        logs=_logs,
        destroy=_destroy,
        regional=_regional,
        local=_local,
        comment=reviews.comment,
        issue=reviews.issue,
        drift=reviews.drift,
        identity=accounts.show_identity,
        bootstrap=accounts.bootstrap,
        environments=images.environments,
        source=images.source,
        image=images.image,
        verify=images.verify,
    )


def _deploy(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.open_environment(arguments.environment, arguments.app, arguments.strategy)
    from pipeline.release import deploy
    from pipeline.rollout.options import RolloutOptions

    options = RolloutOptions(
        despite_alarms=arguments.despite_alarms, ledger=arguments.ledger, wait_minutes=arguments.wait
    )
    reporter.expect(list(context.nodes))
    with reporter:
        released = deploy.deploy(
            context, reporter, connect.base_image(context), image_uri=arguments.image, options=options
        )
    return _shown(released, arguments, reporter, "deploy")


def _rollback(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.guarded(arguments.environment)
    from pipeline.release import rollback
    from pipeline.rollout.options import RolloutOptions
    from pipeline.rollout.record import RolloutRecord

    records: list[RolloutRecord] = []
    options = RolloutOptions(
        arguments.straight, ledger=arguments.ledger, wait_minutes=arguments.wait, on_finished=records.append
    )
    with reporter:
        stopped = rollback.stop(context, reporter.log("rollback"), options)
        if stopped is None:
            reporter.expect(list(context.nodes))
            released = rollback.release_previous(context, reporter, options)
    if stopped is None:
        return _shown(released, arguments, reporter, "rollback")
    from pipeline.github import job_summary

    job_summary.write(job_summary.of_stopped(f"rollback {context.environment.name}", stopped, records))
    if arguments.json:
        print_json({"environment": context.environment.name, "stopped": stopped})
    return None


def _shown(
    released: "Released", arguments: argparse.Namespace, reporter: "Reporter", action: str
) -> SlipwayError | None:
    from pipeline.cli import release_report
    from pipeline.github import job_summary

    release_report.show(released, reporter.console, action)
    job_summary.write(job_summary.of_release(action, released, time.time()))
    if released.failure is None:
        step_outputs.give(url=released.url, version=released.version)
    if arguments.json:
        print_json(release_report.as_json(released))
    if released.failure is not None:
        reporter.errors_beside(released.failure, released.nodes.values())
    return released.failure


def _smoke(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.guarded(arguments.environment)
    from pipeline.checks import smoke
    from pipeline.cli.release_report import checks_as_json
    from pipeline.github import job_summary
    from pipeline.inspect import status

    with reporter:
        url, version, checks = status.run_smoke_tests(context, reporter.checked)
    failure = smoke.failure_of(checks, url, context.environment.name)
    job_summary.write(job_summary.of_smoke(context.environment.name, url, checks, failure))
    step_outputs.give(url=url, version=version)
    if arguments.json:
        print_json({"url": url, "checks": checks_as_json(checks)})
    return failure


def _status(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.guarded(arguments.environment)
    from pipeline.cli import status_report
    from pipeline.inspect import status

    seen = status.describe(context)
    if arguments.json:
        print_json(status_report.as_json(seen))
    else:
        status_report.show(seen, reporter.console)
    return None


def _logs(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.guarded(arguments.environment)
    from pipeline.inspect import logs

    seconds = logs.seconds(arguments.since)
    logs.tail(context, seconds, reporter.plain, follow=arguments.follow)
    return None


def _destroy(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    from pipeline.github import job_summary
    from pipeline.release import destroy

    spec = environment.load(arguments.environment, project.find(Path.cwd()).environments)
    destroy.must_be_meant(spec, arguments.confirm)
    if arguments.only_ask:
        return None
    context = connect.guarded(arguments.environment)
    with reporter:
        failure = destroy.destroy(context, reporter)
    job_summary.write(job_summary.of_nodes(f"destroy {context.environment.name}", reporter.nodes(), failure))
    return failure


def _regional(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    context = connect.guarded(arguments.environment)
    from pipeline.github import job_summary
    from pipeline.regional import run

    regions = list(dict.fromkeys(arguments.regions))
    with reporter:
        results, failure = run.run(context, regions, arguments.image, reporter.log)
        passed = sum(not one.cause for one in results)
        reporter.log("regional")(f"{passed} of {len(results)} regions passed; nothing of it is left")
    rows = [(one.name, "failed" if one.cause else "passed", None) for one in results]
    job_summary.write(job_summary.of_nodes(f"regional {' '.join(regions)}", rows, failure))
    if arguments.json:
        print_json([vars(one) for one in results])
    return failure


def _local(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
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


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, default=str))
