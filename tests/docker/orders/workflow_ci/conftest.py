"""A fork of its own, whose account nothing asks for."""

import pytest

from tests.support.workflows.act import Forge
from tests.support.workflows.fork import make_fork


@pytest.fixture(scope="package")
def fork(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return make_fork(tmp_path_factory)
