"""The thread that all load balancers live on."""

import threading
from pathlib import Path
from typing import Any

import pytest

from local_aws.checkout import Checkout
from local_aws.elb import balancers as module
from local_aws.elb.balancers import LoadBalancers


class Registry:
    """No record is there; the first who looks at one finds a full disk."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = Checkout(checkout)
        self.looks = 0
        self.looked_again = threading.Event()

    def records(self, _: str) -> "Registry":
        return self

    attributes = records

    def all_values(self) -> list[Any]:
        self.looks += 1
        if self.looks == 1:
            raise OSError("No space left on device")
        self.looked_again.set()
        return []


def test_what_goes_wrong_in_one_turn_does_not_end_the_load_balancers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.001)
    registry = Registry(tmp_path)
    balancers = LoadBalancers(registry)  # type: ignore[arg-type]
    balancers.start()

    assert registry.looked_again.wait(10)
    balancers.stop()
