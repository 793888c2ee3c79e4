"""Before a release: the image exists, and GitHub's own program says that this repository built it."""

import json
from pathlib import Path

import pytest

from pipeline.errors import ImageError, UsageError
from pipeline.image import provenance
from tests.support.small_project import DIGEST, REPOSITORY, World, world

IMAGE = f"{REPOSITORY}@{DIGEST}"


class Gh:
    """A program called gh, that notes down what it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.says("exit 0")

    def says(self, script: str) -> None:
        file = self.directory / "gh"
        file.write_text(
            f'#!/bin/sh\ncd {self.directory}\necho "$*" > asked\n'
            f'cp "$DOCKER_CONFIG/config.json" .\necho "$DOCKER_CONFIG" > place\n{script}\n'
        )
        file.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_REPOSITORY": "org/repo", "PATH": f"{self.directory}:/usr/bin:/bin"}

    def file(self, name: str) -> str:
        return (self.directory / name).read_text().strip()


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    (tmp_path / "bin").mkdir()
    program = Gh(tmp_path / "bin")
    monkeypatch.setenv("PATH", program.environment["PATH"])
    return program


@pytest.fixture
def here(tmp_path: Path) -> World:
    return world(tmp_path).deployed()


def test_an_image_that_the_deploy_workflow_signed_gives_its_version(here: World, gh: Gh) -> None:
    [[version]] = here.ecr.images.values()

    assert version == provenance.verify(here.context, IMAGE, gh.environment)
    assert (
        f"attestation verify oci://{IMAGE} --repo org/repo "
        "--signer-workflow org/repo/.github/workflows/deploy.yml --source-ref refs/heads/main"
    ) == gh.file("asked")


def test_gh_gets_the_registrys_token_and_it_is_gone_afterwards(here: World, gh: Gh) -> None:
    provenance.verify(here.context, IMAGE, gh.environment)

    assert {"auths": {"registry": {"auth": "QVdTOnRoZS1wYXNzd29yZA=="}}} == json.loads(gh.file("config.json"))
    assert not Path(gh.file("place")).exists()


def test_an_image_that_nobody_signed_is_refused_in_ghs_words(here: World, gh: Gh) -> None:
    gh.says('echo "Error: no attestations found" >&2; exit 1')

    with pytest.raises(ImageError) as refused:
        provenance.verify(here.context, IMAGE, gh.environment)

    assert "is not known to be built by org/repo" in refused.value.what
    assert "Error: no attestations found" == refused.value.why
    assert "deploy.yml" in refused.value.next_step


def test_an_image_that_ecr_does_not_have_is_refused_before_gh_is_asked(here: World, gh: Gh) -> None:
    with pytest.raises(ImageError, match="ECR has no image"):
        provenance.verify(here.context, f"{REPOSITORY}@sha256:{'b' * 64}", gh.environment)

    assert not (gh.directory / "asked").exists()


def test_outside_of_a_workflow_nobody_knows_whose_image_it_must_be(here: World) -> None:
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY"):
        provenance.verify(here.context, IMAGE, {})


def test_without_gh_it_says_where_to_get_it(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="gh is not installed"):
        provenance.verify(here.context, IMAGE, {"GITHUB_REPOSITORY": "org/repo", "PATH": str(tmp_path)})


def test_a_digest_alone_means_the_environments_own_repository(here: World) -> None:
    assert IMAGE == provenance.full_uri(here.context, DIGEST)


def test_a_whole_name_is_left_as_it_is(here: World) -> None:
    assert "elsewhere/x@y" == provenance.full_uri(here.context, "elsewhere/x@y")


def test_a_digest_where_there_is_no_repository_yet_is_refused(tmp_path: Path, gh: Gh) -> None:
    context = world(tmp_path).context

    with pytest.raises(ImageError, match="there is no image repository in this account yet"):
        provenance.verify(context, provenance.full_uri(context, DIGEST), gh.environment)
