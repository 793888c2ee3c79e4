"""Images are found by tag, addressed by digest, and pushed without touching anybody's Docker settings."""

from collections.abc import Iterable
from typing import Any

import pytest

from pipeline.errors import DockerError, ImageError
from pipeline.image import registry
from tests.support.fakes import FakeEcr

URI = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/orders"
DIGEST = "sha256:" + "a" * 64


class FakeDocker:
    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = answers
        self.tagged: list[tuple[str, str, str]] = []
        self.request: dict[str, Any] = {}

    def tag(self, image: str, repository: str, tag: str) -> bool:
        self.tagged.append((image, repository, tag))
        return True

    def push(self, repository: str, **request: Any) -> Iterable[dict[str, Any]]:
        self.request = {"repository": repository, **request}
        return iter(self.answers)


def test_a_tag_leads_to_its_digest_and_a_digest_to_its_version() -> None:
    ecr = FakeEcr(abc=DIGEST)

    assert DIGEST == registry.digest_of(ecr, URI, "abc")
    assert registry.digest_of(ecr, URI, "unknown") is None
    assert "abc" == registry.version_of(ecr, URI, DIGEST)
    assert registry.version_of(ecr, URI, "sha256:unknown") is None


def test_an_image_that_exists_may_be_released() -> None:
    assert "abc" == registry.must_exist(FakeEcr(abc=DIGEST), URI, f"{URI}@{DIGEST}")


@pytest.mark.parametrize("uri", [URI, f"{URI}:abc", f"{URI}@sha256:short", f"{URI}:abc@{DIGEST} "])
def test_an_image_must_be_named_by_its_digest(uri: str) -> None:
    with pytest.raises(ImageError) as refused:
        registry.split(uri)

    assert "by its digest" in refused.value.what


def test_an_image_that_is_not_in_the_repository_is_refused() -> None:
    with pytest.raises(ImageError) as refused:
        registry.must_exist(FakeEcr(), URI, f"{URI}@{DIGEST}")

    hint = "aws ecr describe-images --repository-name orders --region eu-west-1"
    assert hint in refused.value.next_step


def test_an_image_that_ecr_will_forget_is_refused_with_the_way_to_keep_it() -> None:
    ecr = FakeEcr()
    ecr.images[DIGEST] = []

    with pytest.raises(ImageError) as refused:
        registry.must_exist(ecr, URI, f"{URI}@{DIGEST}")

    assert refused.value.why.startswith("ECR deletes untagged images after two weeks")
    put = "aws ecr put-image --repository-name orders --region eu-west-1 --image-tag VERSION"
    assert put in refused.value.next_step
    assert f"--image-ids imageDigest={DIGEST}" in refused.value.next_step


def test_an_image_of_another_repository_is_refused() -> None:
    with pytest.raises(ImageError) as refused:
        registry.must_exist(FakeEcr(abc=DIGEST), URI, f"elsewhere/orders@{DIGEST}")

    assert "not in this environment's repository" in refused.value.what


def test_a_push_gives_the_digest_and_takes_ecrs_own_credentials() -> None:
    docker = FakeDocker(
        {"status": "Pushing", "id": "1"},
        {"status": "Pushed", "id": "1"},
        {"status": "Layer already exists", "id": "2"},
        {"aux": {"Digest": DIGEST}},
    )
    said: list[str] = []

    digest = registry.push(docker, FakeEcr(), "sha256:local", URI, "abc", said.append)

    assert DIGEST == digest
    assert [("sha256:local", URI, "abc")] == docker.tagged
    assert {"username": "AWS", "password": "the-password"} == docker.request["auth_config"]
    assert ["layer 1: pushed", "layer 2: layer already exists"] == said


def test_a_refused_push_fails_with_the_registrys_words() -> None:
    with pytest.raises(ImageError) as failed:
        registry.push(FakeDocker({"error": "tag is immutable"}), FakeEcr(), "i", URI, "abc", print)

    assert "tag is immutable" == failed.value.why


@pytest.mark.parametrize("answer", [{"error": "tag is immutable"}, {"status": "done"}])
def test_an_image_that_somebody_else_has_pushed_meanwhile_is_taken(answer: dict[str, str]) -> None:
    said: list[str] = []

    digest = registry.push(FakeDocker(answer), FakeEcr(abc=DIGEST), "i", URI, "abc", said.append)

    assert DIGEST == digest
    assert ["another run has pushed abc meanwhile: taking that image"] == said


def test_a_full_disk_while_pushing_is_told_as_such() -> None:
    with pytest.raises(DockerError):
        registry.push(FakeDocker({"error": "no space left on device"}), FakeEcr(), "i", URI, "abc", print)


def test_a_push_without_a_digest_is_no_success() -> None:
    with pytest.raises(ImageError, match="the push gave no digest"):
        registry.push(FakeDocker({"status": "done"}), FakeEcr(), "i", URI, "abc", print)
