"""The commands that tell people on GitHub something: plan, drift, github comment and github issue."""

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import masking
from pipeline.cli import connect
from pipeline.cli.command import (
    ENVIRONMENT,
    JSON,
    MARKDOWN_FILES,
    REPLACE,
    Argument,
    command,
    flag,
    option,
    print_json,
    replaces,
)
from pipeline.errors import SlipwayError
from pipeline.github import markdown

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter

PATIENCE = 20 * 60
"""Seconds that a plan for a review waits for a release to end; the job in plan.yml has half an hour."""


@command(
    "plan",
    "Show what a deploy would change; nothing that lasts is touched.",
    ENVIRONMENT,
    JSON,
    option(
        "--markdown",
        "FILE",
        "also write the plan for a review, as Markdown",
        type=Path,
    ),
    REPLACE,
    option(
        "--labels", "'LABEL ...'", "labels of a pull request: replace:STACK/RESOURCE names, too", default=""
    ),
)
def plan(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Show what a deploy would change, and write it for a review."""
    from pipeline.cli import plan_report
    from pipeline.github import plan_comment
    from pipeline.inspect import plan as planning

    with _for_a_review(arguments):
        context = connect.guarded(arguments.environment)
        reporter.expect(list(context.nodes))
        with reporter:
            named = replaces(arguments.replace, arguments.labels)
            planned = planning.make(context, reporter, PATIENCE if arguments.markdown else 0, named)
    _write(arguments, plan_comment.document(planned))
    if arguments.json:
        print_json(plan_report.as_json(planned))
    else:
        plan_report.show(planned, reporter.console)
    return planned.failure


@command(
    "drift",
    "Find what was changed past CloudFormation.",
    ENVIRONMENT,
    JSON,
    option("--markdown", "FILE", "also write the drift as Markdown", type=Path),
)
def drift(arguments: argparse.Namespace, reporter: "Reporter") -> SlipwayError | None:
    """Show what was changed past CloudFormation."""
    from pipeline.cli import drift_report
    from pipeline.inspect import drift as drifting

    with _for_a_review(arguments):
        context = connect.guarded(arguments.environment)
        with reporter:
            seen = drifting.detect(context, reporter.log("drift"))
    _write(arguments, drift_report.document(seen))
    if arguments.json:
        print_json(drift_report.as_json(seen))
    else:
        drift_report.show(seen, reporter.console)
    return seen.failure


@command(
    "github comment",
    "Keep one comment on the workflow's pull request.",
    option("--marker", "NAME", "the name by which the comment is found again", required=True),
    option("files", "FILE", MARKDOWN_FILES, nargs="+", type=Path),
)
def comment(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Keep one comment on the workflow's pull request."""
    from pipeline.github import api, posts

    body = posts.body_of(arguments.marker, arguments.files)
    number = api.pull_request(os.environ)
    reporter.plain(posts.keep_comment(api.connect(os.environ), number, arguments.marker, body))


@command(
    "github issue",
    "Keep one issue: opened or updated, or closed if it is open.",
    option("--label", "NAME", "the issue's label, by which the issue is found", required=True),
    (Argument("--title", help="its title"), flag("--close", "close the issue: its cause is gone")),
    option("files", "FILE", MARKDOWN_FILES, nargs="*", type=Path),
)
def issue(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Open or update one issue, or close it with --close."""
    from pipeline.github import api, posts

    there = api.connect(os.environ)
    if arguments.close:
        words = f"Gone: the last look found nothing ({_this_run()})."
        closed = posts.close_issues(there, arguments.label, words)
        reporter.plain("\n".join(closed) or f"no open issue with the label {arguments.label} is Slipway's")
        return
    body = posts.body_of(arguments.label, arguments.files)
    reporter.plain(posts.keep_issue(there, arguments.label, arguments.title, body))


def _this_run() -> str:
    server, repository, run = (
        os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    return f"{server}/{repository}/actions/runs/{run}" if server and run else "not in a workflow run"


@contextlib.contextmanager
def _for_a_review(arguments: argparse.Namespace) -> Iterator[None]:
    """Write an error that ends the command early into the Markdown file: a comment without it looks good."""
    try:
        yield
    except Exception as error:
        from pipeline.aws import errors
        from pipeline.github import job_summary

        known = errors.in_our_words(error)
        if known is not None and arguments.markdown:
            lines = [f"### ❌ {markdown.text(arguments.environment)}", "", *job_summary.failed(known)]
            arguments.markdown.write_text(masking.masked("\n".join(lines)), encoding="utf-8")
        raise


def _write(arguments: argparse.Namespace, document: str) -> None:
    """Write the document into the job summary, and into the file of --markdown."""
    from pipeline.github import job_summary

    job_summary.write(f"## {arguments.command} {arguments.environment}\n\n{document}")
    if arguments.markdown:
        arguments.markdown.write_text(masking.masked(document), encoding="utf-8")
