"""What every test with Docker can ask for: the engine, and a fork brought up by make."""

from collections.abc import Iterator

import pytest
import requests

from local_aws.host.docker_engine import ensure_engine
from tests.support.clone import Clone, Ran, clone_to


@pytest.fixture(scope="session")
def engine() -> None:
    ensure_engine(print)


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = clone_to(tmp_path_factory.mktemp("fork"), packages=False)
    yield clone
    clone.make("down")


@pytest.fixture(scope="module")
def up(clone: Clone) -> Ran:
    """The first of the two commands."""
    ran = clone.make("up")
    assert ran.exit_code == 0
    return ran


@pytest.fixture
def api(up: Ran) -> str:
    assert requests.get(f"{up.url}/orders", timeout=5).ok
    return up.url
