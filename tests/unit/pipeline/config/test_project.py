"""A project names its service in pyproject.toml."""

from pathlib import Path

import pytest

from pipeline.config import project
from pipeline.errors import UsageError


def write(directory: Path, content: str) -> Path:
    (directory / "pyproject.toml").write_text(content)
    return directory


def test_the_project_is_found_from_below(tmp_path: Path) -> None:
    write(tmp_path, '[tool.slipway]\nservice = "orders"\n[project]\nversion = "1.0"\n')
    (tmp_path / "a/b").mkdir(parents=True)

    found = project.find(tmp_path / "a/b")

    assert (tmp_path, "orders", "1.0") == (found.root, found.service, found.version)


def test_a_pyproject_of_something_else_is_passed_by(tmp_path: Path) -> None:
    write(tmp_path, '[tool.slipway]\nservice = "orders"\n')
    (tmp_path / "app").mkdir()
    write(tmp_path / "app", '[project]\nname = "other"\n')

    assert tmp_path == project.find(tmp_path / "app").root


@pytest.mark.parametrize(
    "service",
    [
        '"Orders"',
        '"1st"',
        f'"{"x" * 21}"',
        '""',
        "7",
        '"shop-"',
        '"a--b"',
        '"aws-x"',
        '"ssmith"',
        '"ab\\n"',
        '"a"',
        '"slipway"',
    ],
)
def test_a_name_that_aws_would_not_take_is_refused(tmp_path: Path, service: str) -> None:
    with pytest.raises(UsageError) as refused:
        project.find(write(tmp_path, f"[tool.slipway]\nservice = {service}\n"))

    assert "[tool.slipway] service is" in refused.value.what


def test_a_file_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        project.find(write(tmp_path, "[tool"))


def test_outside_a_project_the_next_step_is_to_go_into_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        project.find(tmp_path)

    assert "change into your checkout" in refused.value.next_step
