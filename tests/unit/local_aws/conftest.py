"""The emulator in this process: what a test registers and records is gone after the test."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_aws.checkout import Checkout

if TYPE_CHECKING:
    from local_aws.emulator.registry import Registry

RECORDED = (
    "AWS::CloudFormation::Stack",
    "AWS::CloudWatch::Alarm",
    "AWS::ECR::Repository",
    "AWS::RDS::DBInstance",
)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Registry"]:
    """A registry; nothing that is registered with it outlives the test."""
    from local_aws.emulator import cloudformation, internals, records
    from local_aws.emulator import registry as module

    monkeypatch.setattr(internals, "put", monkeypatch.setattr)
    for place in (*module.OPERATIONS.values(), module.RESOURCE_TYPES, cloudformation.DRIFT_READERS):
        internals.replace(*place, dict)
    for resource_type in RECORDED:
        records.records(resource_type).clear()
    yield module.Registry(Checkout(tmp_path, port=4711))
    for resource_type in RECORDED:
        records.records(resource_type).clear()
