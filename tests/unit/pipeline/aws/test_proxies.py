"""Behind a proxy, what answers on this machine is still asked without it."""

import os
from pathlib import Path

import pytest
import requests

import local_aws
from local_aws.host import lifecycle
from pipeline.aws.proxies import leave_this_machine_out
from pipeline.cli import connect
from pipeline.errors import DockerError
from tests.support.small_project import write


@pytest.fixture
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")


def asks_the_proxy(url: str) -> bool:
    return bool(requests.utils.get_environ_proxies(url))


@pytest.mark.usefixtures("behind_a_proxy")
def test_this_machine_is_asked_directly_and_the_rest_of_the_world_through_the_proxy() -> None:
    leave_this_machine_out()

    assert not asks_the_proxy("http://localhost:4566/")
    assert not asks_the_proxy("http://127.0.0.1:4566/")
    assert asks_the_proxy("http://example.org/")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "localhost,127.0.0.1"),
        ({"NO_PROXY": "corp.example"}, "corp.example,localhost,127.0.0.1"),
        ({"no_proxy": "corp.example, localhost"}, "corp.example,localhost,127.0.0.1"),
        ({"NO_PROXY": "*"}, None),
    ],
)
def test_what_was_left_out_before_stays_left_out(given: dict[str, str], expected: str | None) -> None:
    environ = dict(given)
    leave_this_machine_out(environ)
    leave_this_machine_out(environ)

    assert expected == environ.get("no_proxy")
    assert (expected or "*") == environ["NO_PROXY"]


@pytest.mark.usefixtures("behind_a_proxy")
def test_up_leaves_this_machine_out_for_itself_and_for_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: object) -> None:
        raise DockerError("no engine")

    monkeypatch.setattr(lifecycle.docker_engine, "ensure_engine", none)
    with pytest.raises(DockerError):
        local_aws.up(tmp_path, print)

    assert "localhost,127.0.0.1" == os.environ["no_proxy"]


@pytest.mark.usefixtures("behind_a_proxy")
def test_so_does_every_command_for_it_may_be_told_of_a_local_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    connect.open_environment("dev")

    assert "localhost,127.0.0.1" == os.environ["no_proxy"]
