"""The commands that a workflow builds and promotes with, and what each hands to the steps after it."""

import contextlib
from pathlib import Path

import pytest
import requests

from pipeline.cli import connect
from pipeline.image import checkout, git, provenance
from tests.support.command import run
from tests.support.fakes import FakeHttp
from tests.support.small_project import DIGEST, REPOSITORY, world, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_ENDPOINT_URL", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def outputs_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a workflow's step writes its outputs to."""
    file = tmp_path / "output"
    file.touch()
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    return file


def test_image_hands_the_image_on_and_deploys_nothing_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, output = world(here), outputs_of(here, monkeypatch)
    monkeypatch.setattr(connect, "open_environment", lambda *_: made.context)
    [[version]] = made.ecr.images.values()

    code, _ = run("image", "dev")

    given = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert 0 == code
    assert {
        "image": f"{REPOSITORY}@{DIGEST}",
        "digest": DIGEST,
        "name": REPOSITORY,
        "version": version,
        "commit": "",
    } == given
    assert ["orders-ecr"] == [stack["StackName"] for stack in made.cloudformation.stacks.values()]


@pytest.mark.parametrize(("behind", "changes"), [(True, []), (False, ["execute orders-ecr"])])
def test_a_push_that_is_not_the_newest_of_its_branch_leaves_the_repositorys_stack(
    here: Path, monkeypatch: pytest.MonkeyPatch, behind: bool, changes: list[str]
) -> None:
    made = world(here).deployed()
    monkeypatch.setattr(connect, "open_environment", lambda *_: made.context)
    monkeypatch.setattr(git, "is_behind", lambda *_: behind)

    code, _ = run("image", "dev", "--forward-only")

    assert 0 == code
    assert changes == [line for line in made.cloudformation.log if "execute" in line]


def test_an_image_that_another_environment_could_not_release_is_not_built(here: Path) -> None:
    dev = (here / "infra/environments/dev.yaml").read_text()
    (here / "infra/environments/dev.yaml").write_text(dev.replace("0" * 12, "1" * 12))
    (here / "infra/environments/staging.yaml").write_text(dev.replace("0" * 12, "1" * 12))
    (here / "infra/environments/prod.yaml").write_text(dev.replace("0" * 12, "2" * 12))

    code, said = run("image", "dev", "--shared-with", "staging prod")

    assert 9 == code
    assert "prod can't release what dev builds" in said


def test_smoke_hands_the_url_and_the_version_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, output = world(here).deployed(), outputs_of(here, monkeypatch)
    [[version]] = made.ecr.images.values()
    monkeypatch.setattr(connect, "guarded", lambda _: made.context)
    monkeypatch.setattr(requests, "Session", lambda: contextlib.nullcontext(FakeHttp()))

    assert 14 == run("smoke", "dev")[0]
    assert f"url=http://lb\nversion={version}\n" == output.read_text()


def test_environments_lists_those_with_an_account_and_names_the_others(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, summary = outputs_of(here, monkeypatch), here / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    dev = (here / "infra/environments/dev.yaml").read_text()
    (here / "infra/environments/staging.yaml").write_text(dev.replace("0" * 12, "1" * 12))
    (here / "infra/environments/local.yaml").write_text(dev.replace("target: aws", "target: local"))

    code, _ = run("environments")

    assert 0 == code
    assert 'names=["staging"]\n' == output.read_text()
    assert "dev has no AWS account yet" in summary.read_text()
    assert "local" not in summary.read_text()


@pytest.mark.parametrize(("differs", "names"), [(True, '["dev"]'), (False, "[]")])
def test_nothing_is_planned_where_no_template_differs_from_the_base(
    here: Path, monkeypatch: pytest.MonkeyPatch, differs: bool, names: str
) -> None:
    output, asked = outputs_of(here, monkeypatch), list[object]()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setattr(checkout, "differs", lambda *given: asked.append(given) or differs)

    code, _ = run("environments", "--changed-since", "abc")

    assert 0 == code
    assert f"names={names}\n" == output.read_text()
    assert [(here, "abc", here / "infra")] == asked


def test_asking_for_an_environment_without_an_account_is_an_error(here: Path) -> None:
    code, said = run("environments", "--wanted", "dev")

    assert 3 == code
    assert "dev can't be reached" in said
    assert "still says 000000000000" in said


def test_asking_for_one_that_is_reached_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")

    assert 0 == run("environments", "--wanted", "dev")[0]


def test_against_a_local_aws_every_environment_is_reached(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = outputs_of(here, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")

    run("environments")

    assert 'names=["dev"]\n' == output.read_text()


def test_a_fork_reaches_no_environment_and_is_told_why(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = outputs_of(here, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")

    code, said = run("environments", "--fork", "yes")

    assert 0 == code
    assert "names=[]\n" == output.read_text()
    assert "gives a fork's pull request no credentials" in said


def test_source_without_a_ref_is_the_checkouts_own_app(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = outputs_of(here, monkeypatch)

    code, _ = run("source", "--ref", "")

    assert 0 == code
    assert "app=app\n" == output.read_text()


def test_verify_hands_the_whole_name_of_the_image_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, output = world(here).deployed(), outputs_of(here, monkeypatch)
    monkeypatch.setattr(connect, "guarded", lambda _: made.context)
    monkeypatch.setattr(provenance, "verify", lambda _, uri: f"version of {uri}")

    code, _ = run("verify", "dev", "--image", DIGEST)

    assert 0 == code
    assert f"image={REPOSITORY}@{DIGEST}\nversion=version of {REPOSITORY}@{DIGEST}\n" == output.read_text()
