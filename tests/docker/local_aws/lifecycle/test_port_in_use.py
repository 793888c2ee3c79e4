"""A port that another program holds is named."""

import socket
from pathlib import Path

import pytest

from tests.support.clone import Clone, assert_one_clear_message, clone_to


@pytest.fixture
def fork(tmp_path: Path) -> Clone:
    return clone_to(tmp_path)


def test_a_port_in_use_is_named(engine: None, fork: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = fork.pipeline("local", "up", SLIPWAY_LOCAL_PORT=str(port))

    assert_one_clear_message(ran, 16, str(port))
