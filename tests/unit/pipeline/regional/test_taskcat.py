"""taskcat gets the templates and one file, says what it does, and its exit code is told."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import project
from pipeline.config.project import Project
from pipeline.errors import UsageError
from pipeline.regional import taskcat
from tests.support import small_project
from tests.support.repository import ROOT

FILE = """
project: {name: slipway, regions: [eu-west-1]}
tests:
  microservice:
    template: infra/microservice.yaml
    parameters: {EnvironmentName: regional, TaskCount: 1}
"""
RUN = taskcat.Run(
    stack="orders-regional",
    regions=["us-east-1", "eu-west-1"],
    bucket="a-bucket",
    bucket_region="eu-west-1",
    parameters={"ImageUri": "x@sha256:1"},
    tags={"service": "orders"},
    variables={"AWS_ENDPOINT_URL": "http://localhost:1"},
)
# What stands for taskcat: it looks around as taskcat would, and ends as it is told.
PYTHON = """\
    #!/bin/sh
    echo "arguments: $*"
    printf '\\033[31mred\\033[0m\\n\\n'
    echo "endpoint: $AWS_ENDPOINT_URL"
    find . -type f | sort
    exit 3
"""


@pytest.fixture
def here(tmp_path: Path) -> Project:
    small_project.write(tmp_path)
    (tmp_path / taskcat.FILE).write_text(FILE)
    python = tmp_path / ".venv-taskcat/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(textwrap.dedent(PYTHON))
    python.chmod(0o755)
    return project.find(tmp_path)


def test_regions_bucket_name_and_what_the_pipeline_knows_are_filled_in(here: Project) -> None:
    filled = taskcat.configuration(taskcat.settings(here), RUN)

    assert {
        "name": "slipway",
        "regions": ["us-east-1", "eu-west-1"],
        "s3_bucket": "a-bucket",
        "tags": {"service": "orders"},
    } == filled["project"]
    assert {
        "template": "infra/microservice.yaml",
        "stack_name": "orders-regional",
        "parameters": {
            "EnvironmentName": "regional",
            "TaskCount": "1",
            "TemplateBucketName": "a-bucket",
            "TemplateBucketRegion": "eu-west-1",
            "TemplateKeyPrefix": "slipway/",
            "ImageUri": "x@sha256:1",
        },
    } == filled["tests"]["microservice"]


@pytest.mark.parametrize("written", ["0123", "no", "1.10", "12:30", "1_000", "true"])
def test_a_parameter_goes_to_taskcat_as_it_is_written(here: Project, written: str) -> None:
    (here.root / taskcat.FILE).write_text(FILE.replace("TaskCount: 1", f"Version: {written}"))

    assert written == taskcat.settings(here)["tests"][taskcat.TEST]["parameters"]["Version"]


def test_taskcat_sees_the_templates_and_its_file_and_nothing_else(here: Project) -> None:
    (here.root / ".slipway/regional").mkdir(parents=True)
    (here.root / ".slipway/regional/left-over").write_text("of an earlier run")
    said: list[str] = []

    code = taskcat.test(here, RUN, said.append)

    assert 3 == code
    assert [
        "red",
        "endpoint: http://localhost:1",
        "./.taskcat.yml",
        "./infra/app.yaml",
        "./infra/ecr.yaml",
        "./infra/rds.yaml",
        "./infra/vpc.yaml",
    ] == said[1:]
    assert "taskcat_offline.py test run --no-delete" in said[0]
    assert f"--output-directory {here.root / 'taskcat_outputs'}" in said[0]


def test_an_earlier_report_does_not_stay(here: Project) -> None:
    (here.root / "taskcat_outputs").mkdir()
    (here.root / "taskcat_outputs/index.html").write_text("all is well")

    taskcat.test(here, RUN, lambda _: None)

    assert not (here.root / "taskcat_outputs/index.html").exists()


@pytest.mark.parametrize("content", ["", "project: {name: x}", "tests: {microservice: {}}", None])
def test_a_file_that_says_nothing_is_refused(here: Project, content: str | None) -> None:
    file = here.root / taskcat.FILE
    file.unlink() if content is None else file.write_text(content)

    with pytest.raises(UsageError, match=r"\.taskcat\.yml does not say what to launch"):
        taskcat.settings(here)


def test_a_file_that_does_not_parse_is_refused_with_its_line(here: Project) -> None:
    (here.root / taskcat.FILE).write_text("a: [")

    with pytest.raises(UsageError, match=r"\.taskcat\.yml:2 does not parse"):
        taskcat.settings(here)


def test_without_taskcat_the_next_step_is_named(here: Project) -> None:
    (here.root / ".venv-taskcat/bin/python").unlink()

    with pytest.raises(UsageError) as refused:
        taskcat.test(here, RUN, lambda _: None)

    assert "make regional" in refused.value.next_step


def test_our_own_file_asks_for_the_regions_that_are_promised_and_names_parameters_that_are_there() -> None:
    root = ROOT
    content: dict[str, Any] = taskcat.settings(project.find(root))
    launch = content["tests"][taskcat.TEST]
    known = (root / launch["template"]).read_text()

    assert {"eu-west-1", "us-east-1", "ap-southeast-2"} <= set(content["project"]["regions"])
    assert [] == [name for name in launch["parameters"] if f"\n  {name}:\n" not in known]
