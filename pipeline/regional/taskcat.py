"""One run of taskcat: its project in a directory of its own, its command, and what it prints.

The directory holds the templates and nothing else: taskcat uploads everything beside .taskcat.yml. That file
may have any shape (Any): taskcat judges it.
https://aws-ia.github.io/taskcat/docs/schema/taskcat_schema/
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.config import strict_yaml
from pipeline.config.project import Project
from pipeline.errors import UsageError
from pipeline.regional import taskcat_offline

FILE = ".taskcat.yml"
TEST = "microservice"
REPORT = "taskcat_outputs"
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Run:
    """What one run of taskcat launches. bucket: where the templates go; bucket_region: the bucket's region.

    parameters: of the template, besides those in .taskcat.yml. variables: environment variables that lead
    taskcat to AWS.
    """

    stack: str
    regions: Sequence[str]
    bucket: str
    bucket_region: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def settings(project: Project) -> dict[str, Any]:
    """The project's .taskcat.yml, its parameters as the text that the file has.

    Raises UsageError where the file or its test is missing, or where a value is ambiguous.
    """
    file = project.root / FILE
    try:
        content: Any = strict_yaml.load(file.read_text(encoding="utf-8"), as_written=("parameters",))
        content["tests"][TEST]["parameters"]["EnvironmentName"]
    except yaml.YAMLError as error:
        problem, line = strict_yaml.describe(error)
        raise UsageError(f"{FILE}:{line} does not parse", why=problem, next_step="mend that line") from error
    except (OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{FILE} does not say what to launch",
            why=str(error),
            next_step=f"write tests: {TEST}: parameters: EnvironmentName there, as Slipway's {FILE} does",
        ) from error
    return dict(content)


def configuration(content: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """.taskcat.yml for one run: regions, bucket, stack name and what the pipeline knows filled in."""
    project, test = content["project"], content["tests"][TEST]
    parameters = {
        **test["parameters"],
        "TemplateBucketName": run.bucket,
        "TemplateBucketRegion": run.bucket_region,
        "TemplateKeyPrefix": f"{project['name']}/",
        **run.parameters,
    }
    return {
        **content,
        "project": {**project, "regions": list(run.regions), "s3_bucket": run.bucket, "tags": dict(run.tags)},
        "tests": {TEST: {**test, "stack_name": run.stack, "parameters": parameters}},
    }


def test(project: Project, run: Run, log: Callable[[str], None]) -> int:
    """Launch the stack in every region and write the report to taskcat_outputs/. Gives taskcat's exit code.

    Nothing is deleted. Raises UsageError where taskcat is not installed.
    """
    python = project.root / ".venv-taskcat" / "bin" / "python"
    if not python.exists():
        raise UsageError("taskcat is not installed", next_step="make regional installs it by itself")
    directory = project.root / ".slipway" / "regional"
    report = project.root / REPORT
    for old in (directory, report):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(project.templates, directory / "infra", ignore=shutil.ignore_patterns("environments"))
    text = yaml.safe_dump(configuration(settings(project), run), sort_keys=False)
    (directory / FILE).write_text(text, encoding="utf-8")
    command = [str(python), "-P", "-W", "ignore::UserWarning", taskcat_offline.__file__, "test", "run"]
    # `make check` lints the templates, with the project's rules; taskcat would use its own.
    command += ["--no-delete", "--lint-disable", "--minimal-output", "--output-directory", str(report)]
    with subprocess.Popen(  # noqa: S603 - a command of our own making
        command,
        cwd=directory,
        env={**os.environ, **run.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                if plain := _COLOUR.sub("", line).strip():
                    log(plain)
        except BaseException:
            process.terminate()
            raise
    return process.returncode
