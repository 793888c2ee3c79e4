"""Which port a load balancer gets."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local_aws import ports as module
from local_aws.ports import Ports
from pipeline.errors import PortInUseError
from tests.support.ports import free_port


@pytest.fixture
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(module, "PREFERRED_HTTP_PORT", free_port())
    return tmp_path / "load-balancers.json"


def test_the_first_load_balancer_gets_the_preferred_port_and_the_next_another(remembered: Path) -> None:
    with closing(Ports(remembered)) as ports:
        first, second = ports.reserve("dev"), ports.reserve("prod")

        assert first == module.PREFERRED_HTTP_PORT
        assert second > first
        assert first == ports.reserve("dev")


def test_a_port_that_someone_else_has_is_passed_over(remembered: Path, tmp_path: Path) -> None:
    with closing(Ports(remembered)) as ports, closing(Ports(tmp_path / "other.json")) as others:
        assert ports.reserve("dev") != others.reserve("dev")


def test_a_port_that_localhost_leads_to_another_program_on_is_passed_over(remembered: Path) -> None:
    try:
        listener = socket.create_server(("::1", module.PREFERRED_HTTP_PORT), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with closing(listener), closing(Ports(remembered)) as ports:
        assert ports.reserve("dev") != module.PREFERRED_HTTP_PORT


def test_a_port_is_the_same_after_a_restart(remembered: Path) -> None:
    with closing(Ports(remembered)) as ports:
        ports.reserve("dev")
        second = ports.reserve("prod")

    with closing(Ports(remembered)) as ports:
        assert second == ports.reserve("prod")


def test_a_port_is_free_again_once_its_load_balancer_is_deleted(remembered: Path) -> None:
    with closing(Ports(remembered)) as ports:
        first = ports.reserve("dev")
        ports.keep_only(set())

        assert {} == json.loads(remembered.read_text())
        assert first == ports.reserve("new")


def test_a_port_that_was_asked_for_is_used(remembered: Path) -> None:
    wanted = free_port()

    with closing(Ports(remembered, exact=wanted)) as ports:
        assert wanted == ports.reserve("dev")


def test_after_a_restart_a_remembered_port_comes_before_the_one_asked_for(remembered: Path) -> None:
    wanted = free_port()
    with closing(Ports(remembered, exact=wanted)) as ports:
        ports.reserve("dev")
        second = ports.reserve("prod")

    with closing(Ports(remembered, exact=wanted)) as ports:
        assert (second, wanted) == (ports.reserve("prod"), ports.reserve("dev"))


def test_a_port_that_was_asked_for_and_is_taken_is_an_error_with_a_next_step(remembered: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        ports = Ports(remembered, exact=taken.getsockname()[1])

        with pytest.raises(PortInUseError) as raised:
            ports.reserve("dev")

    assert "SLIPWAY_LOCAL_HTTP_PORT" in raised.value.next_step


def test_a_remembered_port_that_is_taken_is_an_error_whose_next_step_works(remembered: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        remembered.write_text(json.dumps({"dev:80": taken.getsockname()[1]}))

        with pytest.raises(PortInUseError) as raised:
            Ports(remembered).reserve("dev")

    assert "python -m pipeline local down" in raised.value.next_step
    assert "SLIPWAY_LOCAL_HTTP_PORT" not in raised.value.next_step


def test_a_port_is_open_to_this_machine_only(remembered: Path) -> None:
    with closing(Ports(remembered)) as ports, closing(ports.take("dev", 80)) as taken:
        assert "127.0.0.1" == taken.getsockname()[0]
