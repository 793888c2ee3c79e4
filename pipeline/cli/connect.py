"""From an environment's name to a Context: the files first, then the account.

A typo costs no AWS call, not even the import of boto3.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.aws import proxies
from pipeline.config import environment, project, timeouts
from pipeline.errors import LocalAwsError, UsageError

if TYPE_CHECKING:
    from pipeline.aws.session import Access
    from pipeline.context import Context
    from pipeline.image.image_step import BaseImage


def open_environment(name: str, app: Path | None = None, strategy: str | None = None) -> "Context":
    """The Context of the environment `name` in the project of the current directory; AWS is not asked.

    app: the directory of the service, None for app/. strategy: how traffic moves, None for what the file
    of the environment says. Raises the errors of the files, and LocalAwsError where a local AWS is needed and
    does not run.
    """
    here = project.find(Path.cwd())
    if app is not None:
        if not (app / "Dockerfile").is_file():
            raise UsageError(f"there is no Dockerfile in {app}", next_step="name a directory like app/")
        here = replace(here, another_app=app.resolve())
    loaded = environment.load(name, here.environments)
    if strategy:
        parameters = {**loaded.parameters, "DeploymentStrategy": strategy}
        loaded = loaded.model_copy(update={"parameters": parameters})
    from pipeline import context
    from pipeline.aws.session import Aws

    proxies.leave_this_machine_out()
    nodes = context.nodes_of(here, loaded)
    for node in nodes.values():
        timeouts.check(loaded, node.given)
    aws = Aws(_access(here, loaded), patience=loaded.stack_timeout_minutes * 60)
    if loaded.target == "aws":
        aws.must_know_region(loaded)
    return context.Context(here, loaded, nodes, aws)


def guarded(name: str) -> "Context":
    """The Context of the environment `name`. Raises WrongAccountError for credentials of another account."""
    context = open_environment(name)
    context.guard_account()
    return context


def base_image(context: "Context") -> "BaseImage":
    """Finds a base image made on this machine for a rehearsal. An image for AWS is built as app/ says."""

    # Any: the Docker SDK has no types.
    def find(client: Any, log: Callable[[str], None]) -> str | None:
        if not context.aws.on_this_machine:
            return None
        from local_aws.host import base_images

        return base_images.python_image(client, log, context.project.app / "Dockerfile")

    return find


def _access(here: project.Project, loaded: environment.Environment) -> "Access":
    from pipeline.aws.session import Access

    if loaded.target == "local":
        import local_aws

        running = local_aws.running(here.root)
        if running is None:
            raise LocalAwsError("the local AWS is not running", next_step="make up")
        return Access(running.region, running.endpoint_url, running.access_key, "test")
    named = os.environ.get("AWS_REGION") or loaded.region
    if named != loaded.region:
        raise UsageError(
            f"AWS_REGION is {named}, but infra/environments/{loaded.name}.yaml says {loaded.region}",
            next_step="unset AWS_REGION, or correct one of the two",
        )
    return Access(loaded.region)
