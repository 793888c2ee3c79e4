import json
import socket
from contextlib import closing

import pytest

from local_aws.checkout import Checkout
from local_aws.host.options import (
    choose,
    is_free,
    refuse_other_options,
)
from local_aws.host.variables import Variables, read
from local_aws.ports import ports_file
from pipeline.errors import LocalAwsError, PortInUseError, UsageError
from tests.support.ports import free_port


@pytest.fixture
def taken_port():
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken_port):
    assert not is_free(taken_port)


def test_a_port_that_localhost_leads_to_another_program_on_is_not_free():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with closing(listener):
        assert not is_free(listener.getsockname()[1])


def test_a_taken_port_that_was_asked_for_is_an_error_with_a_next_step(tmp_path, taken_port):
    with pytest.raises(PortInUseError) as raised:
        choose(Checkout(tmp_path), {"SLIPWAY_LOCAL_PORT": str(taken_port)})

    assert str(taken_port) in raised.value.what
    assert "unset SLIPWAY_LOCAL_PORT" in raised.value.next_step


def test_a_taken_port_that_was_only_remembered_gives_way_to_a_free_one(tmp_path, taken_port):
    checkout = Checkout(tmp_path, port=taken_port)
    checkout.save()

    assert taken_port != choose(checkout, {}).port


def with_records(checkout, port, **balancers):
    """The settings of a checkout in which something was deployed before the server went."""
    checkout = Checkout(checkout, port=port)
    checkout.save()
    (checkout.state_directory / "state").mkdir()
    (checkout.state_directory / "state" / "kept.pickle").touch()
    ports_file(checkout).write_text(json.dumps(balancers))
    return checkout


def test_a_taken_port_that_the_records_hold_is_an_error_before_anything_is_pushed_there(tmp_path, taken_port):
    with pytest.raises(PortInUseError) as raised:
        choose(with_records(tmp_path, taken_port), {})

    assert f"port {taken_port} is taken" == raised.value.what
    assert "python -m pipeline local down" in raised.value.next_step


def test_a_load_balancers_taken_port_is_an_error_before_anybody_asks_another_service(tmp_path, taken_port):
    checkout = with_records(tmp_path, free_port(), **{"arn:lb:80": taken_port})

    with pytest.raises(PortInUseError) as raised:
        choose(checkout, {})

    assert f"port {taken_port} is taken" == raised.value.what
    assert "python -m pipeline local down" in raised.value.next_step


def test_a_port_that_is_another_addresss_is_no_hindrance_to_a_load_balancer(tmp_path):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen()
        port = listener.getsockname()[1]
        checkout = with_records(tmp_path, free_port(), **{"arn:lb:80": port})

        assert checkout.port == choose(checkout, {}).port


def test_what_is_deployed_comes_back_on_its_own_ports_while_they_are_free(tmp_path):
    checkout = with_records(tmp_path, free_port(), **{"arn:lb:80": free_port()})

    assert checkout.port == choose(checkout, {}).port


def test_another_port_than_the_records_hold_wants_down_first(tmp_path):
    checkout = with_records(tmp_path, free_port())

    with pytest.raises(LocalAwsError) as raised:
        choose(checkout, {"SLIPWAY_LOCAL_PORT": str(free_port())})

    assert "local down" in raised.value.next_step


def test_the_remembered_port_is_taken_again(tmp_path):
    free = free_port()
    checkout = Checkout(tmp_path, port=free)
    checkout.save()

    assert free == choose(checkout, {}).port


def test_the_load_balancers_port_and_the_minute_can_be_chosen(tmp_path):
    chosen = choose(
        Checkout(tmp_path), {"SLIPWAY_LOCAL_HTTP_PORT": "8099", "SLIPWAY_LOCAL_MINUTE_SECONDS": "0.2"}
    )

    assert (8099, 0.2) == (chosen.http_port, chosen.minute_seconds)


def refused(name, value):
    with pytest.raises(UsageError) as raised:
        read({f"SLIPWAY_LOCAL_{name}": value})
    return raised.value.what, raised.value.next_step


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "80.5", "²"])
def test_what_is_no_port_is_refused(value):
    assert (
        f"SLIPWAY_LOCAL_PORT is not a port: {value!r}",
        "set SLIPWAY_LOCAL_PORT to a number from 1 to 65535",
    ) == refused("PORT", value)
    assert f"SLIPWAY_LOCAL_HTTP_PORT is not a port: {value!r}" == refused("HTTP_PORT", value)[0]


@pytest.mark.parametrize("value", ["soon", "0", "-1", "61", "nan"])
def test_what_is_no_length_of_a_minute_is_refused(value):
    assert (
        f"SLIPWAY_LOCAL_MINUTE_SECONDS is not a number of seconds: {value!r}",
        "set it to a number above 0 and up to 60",
    ) == refused("MINUTE_SECONDS", value)


def test_a_stage_is_held_while_the_file_names_it(tmp_path):
    file = tmp_path / "hold"
    asked = read({"SLIPWAY_LOCAL_HOLD": str(file)})
    before = asked.holds("BAKE_TIME")
    file.write_text("BAKE_TIME")

    assert (False, True, False) == (before, asked.holds("BAKE_TIME"), asked.holds("SCALE_UP"))
    assert not read({}).holds("BAKE_TIME")


def test_an_empty_variable_asks_for_nothing():
    assert Variables() == read({"SLIPWAY_LOCAL_PORT": "", "SLIPWAY_LOCAL_MINUTE_SECONDS": "", "PORT": "1"})


def test_another_port_than_the_running_one_wants_down_first(tmp_path):
    with pytest.raises(LocalAwsError) as raised:
        refuse_other_options(Checkout(tmp_path, port=4566), {"SLIPWAY_LOCAL_PORT": "4700"})

    assert "local down" in raised.value.next_step


def test_the_running_port_may_be_asked_for_again(tmp_path):
    refuse_other_options(Checkout(tmp_path, port=4566), {"SLIPWAY_LOCAL_PORT": "4566"})


def test_the_account_is_the_one_asked_for_else_the_one_remembered(tmp_path):
    checkout = Checkout(tmp_path, account="222222222222")

    assert "111111111111" == choose(checkout, {"SLIPWAY_LOCAL_ACCOUNT": "111111111111"}).account
    assert "222222222222" == choose(checkout, {}).account
    assert "000000000000" == choose(Checkout(tmp_path), {}).account


def test_the_minute_is_the_one_asked_for_else_the_one_remembered(tmp_path):
    checkout = Checkout(tmp_path, minute_seconds=0.5)

    assert 0.2 == choose(checkout, {"SLIPWAY_LOCAL_MINUTE_SECONDS": "0.2"}).minute_seconds
    assert 0.5 == choose(checkout, {}).minute_seconds
    assert 1.0 == choose(Checkout(tmp_path), {}).minute_seconds


@pytest.mark.parametrize("value", ["1", "11111111111x", "1111111111111", "111111111111\n", "²11111111111"])
def test_what_is_no_account_is_refused(value):
    assert (
        f"SLIPWAY_LOCAL_ACCOUNT is not an AWS account: {value!r}",
        "set it to a number of 12 digits",
    ) == refused("ACCOUNT", value)


def test_a_running_local_aws_keeps_its_account(tmp_path):
    with pytest.raises(LocalAwsError):
        refuse_other_options(Checkout(tmp_path), {"SLIPWAY_LOCAL_ACCOUNT": "111111111111"})


def test_a_running_local_aws_keeps_its_minute(tmp_path):
    refuse_other_options(Checkout(tmp_path), {"SLIPWAY_LOCAL_MINUTE_SECONDS": "1"})

    with pytest.raises(LocalAwsError) as raised:
        refuse_other_options(Checkout(tmp_path), {"SLIPWAY_LOCAL_MINUTE_SECONDS": "10"})

    assert "SLIPWAY_LOCAL_MINUTE_SECONDS=10" in raised.value.what
    assert "local down" in raised.value.next_step
