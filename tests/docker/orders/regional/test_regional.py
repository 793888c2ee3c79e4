"""taskcat launches everything in two regions of the local AWS at once; afterwards nothing of it is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.clone import Clone, Ran, clone_to

REGIONS = ("eu-west-1", "us-east-1")
ANSWERED = "an order survives a write and a read"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A checkout with a local AWS and an image in its repository; nothing else is deployed."""
    clone = clone_to(tmp_path_factory.mktemp("fork"))
    try:
        assert clone.pipeline("local", "up").exit_code == 0
        yield clone
    finally:
        clone.pipeline("local", "down")


def left_over(clone: Clone) -> dict[str, list[str]]:
    """Stacks, parameters and buckets in both regions, but for the account's own."""
    (endpoint,) = re.findall(r"http://localhost:\d+", clone.pipeline("local", "status").output)[:1]

    def client(service: str, region: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return {
        "stacks": [
            one["StackName"]
            for region in REGIONS
            for one in client("cloudformation", region).describe_stacks()["Stacks"]
            if one["StackName"] != "orders-ecr"
        ],
        "parameters": [
            one["Name"]
            for region in REGIONS
            for one in client("ssm", region).describe_parameters()["Parameters"]
            if "/regional/" in one["Name"]
        ],
        "buckets": [one["Name"] for one in client("s3", REGIONS[0]).list_buckets()["Buckets"]],
    }


NOTHING: dict[str, list[str]] = {"stacks": [], "parameters": [], "buckets": []}


def report(clone: Clone) -> str:
    return (clone.path / "taskcat_outputs" / "index.html").read_text()


@pytest.fixture(scope="module")
def image(clone: Clone) -> str:
    ran = clone.pipeline("image", "local")

    assert 0 == ran.exit_code
    return re.findall(r"\S+@sha256:[0-9a-f]{64}", ran.output)[-1]


@pytest.fixture(scope="module")
def launched(clone: Clone, image: str) -> Ran:
    """By the newest image in the repository, which is the one there is."""
    return clone.make("regional", "ENV=local", f"REGIONS={' '.join(REGIONS)}")


def test_the_service_answers_in_both_regions(launched: Ran) -> None:
    assert 0 == launched.exit_code
    assert set(REGIONS) == set(re.findall(rf"s (\S+) +passed .*{ANSWERED}", launched.output))


def test_the_report_tells_of_both_regions_and_keeps_every_stacks_events(launched: Ran, clone: Clone) -> None:
    logs = {file.name: file.read_text() for file in Path(clone.path / "taskcat_outputs").glob("*cfnlogs.txt")}

    assert 2 == report(clone).count("CREATE_COMPLETE")
    assert {f"orders-regional-{region}-cfnlogs.txt" for region in REGIONS} == set(logs)
    assert {5} == {log.count("Stack launch was successful") for log in logs.values()}
    for region in REGIONS:
        assert region in report(clone)


def test_nothing_of_it_is_left(launched: Ran, clone: Clone) -> None:
    assert NOTHING == left_over(clone)


def test_an_image_that_is_not_there_fails_with_the_cause_and_leaves_nothing_either(
    clone: Clone, image: str
) -> None:
    missing = image.partition("@")[0] + "@sha256:" + "0" * 64
    ran = clone.make("regional", "ENV=local", "REGIONS=us-east-1", f"IMAGE={missing}")

    assert 0 != ran.exit_code
    assert "error: 1 of 1 regions failed: us-east-1" in ran.output
    assert "CannotPullContainerError" in ran.output
    assert "CREATE_FAILED" in report(clone)
    assert NOTHING == left_over(clone)
