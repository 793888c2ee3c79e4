"""Launches the whole service from nothing in several regions at once, tests it there and deletes everything.

taskcat launches infra/microservice.yaml and writes the report. The pipeline makes the secrets first, runs the
smoke tests, and deletes everything, whatever happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.aws.session import Aws
from pipeline.cloudformation.stacks import Log
from pipeline.config import environment as environments
from pipeline.context import Context
from pipeline.errors import ImageError, SlipwayError, StackFailedError, UsageError
from pipeline.image import registry
from pipeline.regional import taskcat
from pipeline.regional.launch import Launch, Region


def run(
    home: Context,
    regions: Sequence[str],
    image_uri: str | None,
    log: Callable[[str], Log],
    *,
    test: Callable[..., int] = taskcat.test,
    elsewhere: Callable[[Context, str, str], Context] | None = None,
) -> tuple[list[Region], SlipwayError | None]:
    """Launch, test and delete the service in every region. Gives what became of each region, and the error
    if a region failed.

    home: the environment whose account is used and whose repository has the image. image_uri: by digest, None
    for the newest image there. log(region) gives where that region's lines go. elsewhere(home, name, region)
    gives the context of the environment `name` in another region.

    Raises ImageError, UsageError and ProtectedError before anything is made, BusyError while another launch
    runs, and StackStuckError where something could not be deleted.
    """
    content = taskcat.settings(home.project)
    name = content["tests"][taskcat.TEST]["parameters"]["EnvironmentName"]
    if name in environments.names(home.project.environments):
        raise UsageError(
            f"{name} is an environment of its own",
            why=f"what {taskcat.FILE} launches as {name} is deleted afterwards",
            next_step=f"write another EnvironmentName in {taskcat.FILE}",
        )
    image = image_uri or newest(home)
    registry.split(image)
    there = {region: (elsewhere or _elsewhere)(home, name, region) for region in regions}
    launch = Launch(home, there, f"{home.project.service}-{name}", log)
    as_launched = replace(home, environment=home.environment.model_copy(update={"name": name}))
    with as_launched.locked("regional", log("lock")):
        launch.clear()
        try:
            launch.prepare()
            code = test(home.project, launch.as_run(image), log("taskcat"))
            results = launch.look(image)
        finally:
            launch.clear()
    return results, _failure(results, code)


def newest(home: Context) -> str:
    """The image that was pushed last, by digest. Raises ImageError where the repository has no image."""
    repository = home.live_outputs().get("RepositoryUri")
    digest = registry.newest(home.aws.client("ecr"), repository) if repository else None
    if digest is None:
        raise ImageError(
            f"there is no image in {home.environment.name}'s repository",
            next_step=f"release to {home.environment.name} first, or name an image: IMAGE=uri@sha256:...",
        )
    return f"{repository}@{digest}"


def _failure(results: Sequence[Region], code: int) -> StackFailedError | None:
    failed = [one for one in results if one.cause]
    if not failed and code == 0:
        return None
    return StackFailedError(
        f"{len(failed)} of {len(results)} regions failed: {', '.join(one.name for one in failed)}"
        if failed
        else f"taskcat ended with exit code {code}",
        why=f"{failed[0].name}: {failed[0].cause}" if failed else "the lines of taskcat above say why",
        next_step=f"read {taskcat.REPORT}/, mend the cause, run the command again; everything is deleted",
        details=[
            line
            for one in failed
            for line in (f"{one.name}: {one.status}: {one.cause}", *(f"  {word}" for word in one.diagnostics))
        ],
        where=failed[0].where if failed else "",
        also=[(one.where, f"{one.name}: {one.cause}") for one in failed[1:]],
    )


def _elsewhere(home: Context, name: str, region: str) -> Context:
    environment = home.environment.model_copy(update={"name": name, "region": region})
    there = Aws(replace(home.aws.access, region=region), patience=home.timeout)
    if environment.target == "aws":
        there.must_know_region(environment)
    return replace(home, environment=environment, aws=there)
