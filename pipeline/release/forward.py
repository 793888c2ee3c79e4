"""Never backwards by accident, and what an environment remembers of a release.

On GitHub a re-run uses its original commit, and of two pushes in a row the older may arrive last.
https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
"""

import os
import uuid
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import lock, release_record
from pipeline.aws.release_record import FAILED, SUCCEEDED, Ending, Release, ReleaseRecord
from pipeline.context import Context
from pipeline.errors import SlipwayError, WaitTimeoutError
from pipeline.graph import graph
from pipeline.graph.runner import Outcome
from pipeline.image import git, image_step
from pipeline.rollout.options import RolloutOptions

BRANCH = "GITHUB_REF_NAME"
"""The variable in which GitHub Actions names the branch that was pushed."""


def record_of(context: Context) -> ReleaseRecord:
    """The environment's record, as it is now."""
    name = release_record.parameter_name(context.project.service, context.environment.name)
    return ReleaseRecord(context.aws.client("ssm"), name)


def notice(
    context: Context,
    options: RolloutOptions,
    last: Release | None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Why nothing is released by itself, one sentence; "" where the release may go on.

    last: what was released last, None where nothing is remembered. Raises UsageError where git can't compare.
    """
    if not options.forward_only or last is None:
        return ""
    commit = options.commit
    branch = environ.get(BRANCH, "")
    if not git.is_behind(context.project.root, commit, last.commit, branch):
        return ""
    newer = last.commit[:12] or f"the newest commit of {branch}"
    by = f" ({last.run})" if last.run else ""
    return (
        f"{commit[:12]} is older than {newer}, which {context.environment.name} has{by}: nothing was "
        "touched. To go back all the same, release it by hand"
    )


def begin(
    context: Context,
    record: ReleaseRecord,
    token: str,
    log: Callable[[str], None],
    image: str | None,
    options: RolloutOptions,
) -> Release:
    """A release as it begins. token: that of the environment's lock; image: the one to release, if named."""
    commit = options.commit
    if not commit and image is not None:
        commit = record.commit_of(image)
    elif not commit:
        commit = git.commit(context.project.app, log).removeprefix(git.UNKNOWN)
    version = "" if image is not None or graph.IMAGE not in context.nodes else image_step.tag_of(context)
    return Release(
        id=token,
        action="rollback" if options.served_before else "deploy",
        commit=commit,
        version=version,
        image=image or "",
        by=lock.person(),
        run=lock.run_url(),
        began=release_record.now(),
    )


def ending(context: Context, nodes: Mapping[str, Outcome], failure: SlipwayError | None) -> Ending:
    """How a release ended. Its version may serve where the service's stack got there, or no end was seen."""
    services = [nodes[name] for name, node in context.stacks.items() if node.holds_service and name in nodes]
    may_serve = all(
        node.result is not None or isinstance(node.error, WaitTimeoutError)
        for node in services or nodes.values()
    )
    given = [node.result.outputs for node in nodes.values() if node.result is not None]
    image, version = (
        next((each[key] for each in given if key in each), "") for key in (graph.IMAGE_GIVES, "version")
    )
    why = "" if failure is None else f"{failure.what} (exit code {failure.exit_code})"
    return Ending(FAILED if failure else SUCCEEDED, may_serve, why, image, version)


def note_stop(context: Context, began: str, stopped: str, log: Callable[[str], None]) -> None:
    """Remember a rollback that stopped a rollout. stopped: one sentence. A failed write fails nothing."""
    try:
        record_of(context).note(
            Release(
                id=uuid.uuid4().hex,
                action="rollback",
                by=lock.person(),
                run=lock.run_url(),
                began=began,
                ended=release_record.now(),
                outcome=SUCCEEDED,
                why=stopped,
                may_serve=False,
            )
        )
    except (BotoCoreError, ClientError) as error:
        log(f"this rollback was not recorded: {error}")
