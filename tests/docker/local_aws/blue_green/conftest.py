"""A local AWS of its own for these tests, in a temporary checkout, with the probe's image pushed to it."""

import os
from collections.abc import Iterator

import pytest

from local_aws import down, up
from tests.support.probe_service import Aws, free_port, push_probe


@pytest.fixture(scope="package")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    checkout = tmp_path_factory.mktemp("checkout")
    running = up(checkout, lambda _: None, os.environ | {"SLIPWAY_LOCAL_HTTP_PORT": str(free_port())})
    try:
        made = Aws(checkout, running.endpoint_url, "")
        made.image = push_probe(made, running.endpoint_url.removeprefix("http://"))
        made.client("ssm").put_parameter(Name="/probe/secret", Value="hush", Type="SecureString")
        yield made
    finally:
        down(checkout, lambda _: None)


@pytest.fixture
def steady(aws: Aws) -> Aws:
    """The probe's service, version 1, two tasks, steady."""
    assert aws.deploy(Version="1") in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "NO UPDATES"), aws.reasons()
    return aws
