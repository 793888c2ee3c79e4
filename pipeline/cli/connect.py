"""From an environment's name to something that can be worked on: files first, then the account.

A typo costs no AWS call, and not even the import of boto3.
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
    from pipeline.context import Setting


def setting(name: str, app: Path | None = None, strategy: str | None = None) -> "Setting":
    """The environment called `name` in the project that the current directory lies in; AWS is not asked.

    app: where the service lies if not in app/. strategy: how traffic moves, if not as the environment's file
    says. Raises the errors of its files, and LocalAwsError where it needs a local AWS that does not run.
    """
    here = project.find(Path.cwd())
    if app is not None:
        if not (app / "Dockerfile").is_file():
            raise UsageError(f"there is no Dockerfile in {app}", next_step="name a directory like app/")
        here = replace(here, another_app=app.resolve())
    wanted = environment.load(name, here.environments)
    if strategy:
        parameters = {**wanted.parameters, "DeploymentStrategy": strategy}
        wanted = wanted.model_copy(update={"parameters": parameters})
    from pipeline import context as settings
    from pipeline.aws.session import Aws

    proxies.leave_this_machine_out()
    nodes = settings.nodes_of(here, wanted)
    for node in nodes.values():
        timeouts.must_fit(wanted, node.given)
    aws = Aws(_access(here, wanted))
    if wanted.target == "aws":
        aws.must_know_region(wanted)
    return settings.Setting(here, wanted, nodes, aws)


def guarded(name: str) -> "Setting":
    """The same, with credentials that belong to the environment's account. Raises WrongAccountError."""
    found = setting(name)
    found.guard_account()
    return found


def base_image(opened: "Setting") -> Callable[[Any, Callable[[str], None]], str | None]:
    """Only a rehearsal may fall back on a locally made base image; what goes to AWS is built as written."""

    def find(client: Any, say: Callable[[str], None]) -> str | None:
        if not opened.aws.on_this_machine:
            return None
        from local_aws.host import base_images

        return base_images.python_image(client, say, opened.project.app / "Dockerfile")

    return find


def _access(here: project.Project, wanted: environment.Environment) -> "Access":
    from pipeline.aws.session import Access

    if wanted.target == "local":
        import local_aws

        running = local_aws.running(here.root)
        if running is None:
            raise LocalAwsError("the local AWS is not running", next_step="make up")
        return Access(running.region, running.endpoint_url, running.access_key, "test")
    named = os.environ.get("AWS_REGION") or wanted.region
    if named != wanted.region:
        raise UsageError(
            f"AWS_REGION is {named}, but infra/environments/{wanted.name}.yaml says {wanted.region}",
            next_step="unset AWS_REGION, or correct one of the two",
        )
    return Access(wanted.region)
