"""The commands that a workflow builds and promotes with: environments, source, image, verify."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import connect
from pipeline.cli.command import APP, ENVIRONMENT, JSON, Argument, command, flag, option, print_json
from pipeline.config import environment, project
from pipeline.errors import EnvironmentFileError
from pipeline.github import step_outputs

if TYPE_CHECKING:
    from pipeline.cli.console import Reporter


@command(
    "environments",
    "Say which environments a workflow can reach.",
    option("--wanted", "ENV", "refuse unless this environment can be reached", default=""),
    option("--fork", "yes", "the workflow runs for a fork, which reaches no environment", default=""),
    option("--changed-since", "COMMIT", "none where nothing in infra/ differs from this commit", default=""),
)
def environments(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Say which environments a workflow can reach, and why not the others. Output: `names`, a JSON list."""
    from pipeline.github import job_summary, markdown
    from pipeline.image import checkout

    here, placeholder = project.find(Path.cwd()), environment.PLACEHOLDER_ACCOUNT
    directory = here.environments
    found = [environment.load(name, directory) for name in environment.names(directory)]
    # The local AWS takes the account of any file for its own.
    rehearsal = "AWS_ENDPOINT_URL" in os.environ
    reached, why_not = [], []
    for each in found:
        if each.target == "local":
            continue
        if each.account == placeholder and not rehearsal:
            why_not.append(
                f"{each.name} has no AWS account yet: infra/environments/{each.name}.yaml still says "
                f"{placeholder}; docs/going-live.md says what comes first"
            )
        else:
            reached.append(each.name)
    if arguments.fork:
        reached = []
        why_not = ["GitHub gives a fork's pull request no credentials: AWS is not asked for a plan"]
    elif arguments.changed_since and not checkout.differs(here.root, arguments.changed_since, here.templates):
        reached = []
        why_not = [f"nothing in {here.templates.name}/ differs from the base: there is nothing to plan"]
    for line in why_not:
        reporter.log("environments")(line)
    reporter.log("environments")(f"reached: {', '.join(reached) or 'none'}")
    if why_not:
        job_summary.write("\n".join(f"- {markdown.text(line)}" for line in why_not))
    if arguments.wanted and arguments.wanted not in reached:
        raise EnvironmentFileError(
            f"{arguments.wanted} can't be reached",
            why="; ".join(why_not) or f"{arguments.wanted} is no environment in AWS",
            next_step=f"put the account into infra/environments/{arguments.wanted}.yaml (docs/going-live.md)",
        )
    step_outputs.give(names=json.dumps(reached))


@command(
    "source",
    "Find the app/ to build, at another commit if one is named.",
    Argument("--ref", default="", help="a commit, tag or branch that is part of this checkout"),
)
def source(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Find the app/ to build: this checkout's, or that of the commit --ref. Output: `app`."""
    from pipeline.image import checkout as sources

    root = project.find(Path.cwd()).root
    app = sources.at(root, arguments.ref) if arguments.ref else root / "app"
    shown = app.relative_to(root)
    reporter.log("source")(f"{shown}, at {arguments.ref}" if arguments.ref else str(shown))
    step_outputs.give(app=str(shown))


@command(
    "image",
    "Build and push the image of app/, or find it, and nothing else.",
    ENVIRONMENT,
    JSON,
    APP,
    option(
        "--shared-with",
        "'ENV ...'",
        "refuse where the image would not be in these environments' repository",
        default="",
    ),
    flag("--forward-only", "leave the repository's stack as it is unless this is its branch's newest commit"),
)
def image(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Find the image of app/, else build and push it. Outputs: `image`, `digest`, `name`, `version`,
    and `commit`, that of app/.
    """
    context = connect.open_environment(arguments.environment, arguments.app)
    from pipeline.github import job_summary
    from pipeline.image import git
    from pipeline.release import image_only

    directory = context.project.environments
    for name in arguments.shared_with.split():
        image_only.must_share(context.environment, environment.load(name, directory))
    commit = git.commit(context.project.app, reporter.log("image"))
    # What is not the newest commit of the branch may be an old run, run again.
    behind = arguments.forward_only and git.is_behind(
        context.project.root, commit, "", os.environ.get("GITHUB_REF_NAME", "")
    )
    with reporter:
        built = image_only.image_of(context, reporter, connect.base_image(context), leave_stacks=behind)
    reporter.log("image")(f"{built.word}: {built.image}")
    outputs = {
        "commit": commit.removeprefix(git.UNKNOWN),
        "image": built.image,
        "digest": built.digest,
        "name": built.name,
        "version": built.version,
    }
    step_outputs.give(**outputs)
    job_summary.write(f"## image {built.version}\n\n{built.word}: `{built.image}`")
    if arguments.json:
        print_json({**outputs, "outcome": built.word})


@command(
    "verify",
    "Verify that GitHub built an image here, before its release.",
    ENVIRONMENT,
    option("--image", "URI@DIGEST", "the image, or its digest alone", required=True),
)
def verify(arguments: argparse.Namespace, reporter: "Reporter") -> None:
    """Verify that this repository's workflow built the image. Outputs: `image`, `version`."""
    context = connect.guarded(arguments.environment)
    from pipeline.image import provenance

    uri = provenance.full_uri(context, arguments.image)
    version = provenance.verify(context, uri)
    reporter.log("verify")(f"version {version}, built and signed by this repository: {uri}")
    step_outputs.give(image=uri, version=version)
