"""A local AWS of its own for these tests, in a temporary checkout, with the probe's image pushed to it."""

from collections.abc import Iterator

import pytest

from tests.support.probe_service import Aws, probe_in


@pytest.fixture(scope="package")
def aws(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with probe_in(tmp_path_factory.mktemp("checkout")) as aws:
        yield aws


@pytest.fixture
def steady(aws: Aws) -> Aws:
    """The probe's service, version 1, two tasks, steady."""
    assert aws.deploy(Version="1") in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "NO UPDATES"), aws.reasons()
    return aws
