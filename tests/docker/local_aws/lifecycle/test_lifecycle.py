"""Up and down, with real containers; each test in a checkout of its own."""

import os
import shutil
import signal
import socket
import threading
import time

import boto3
import docker
import pytest
import requests

import local_aws
from local_aws.checkout import for_checkout
from local_aws.host import server_process
from pipeline.errors import LocalAwsError, PortInUseError
from pipeline.waiting import wait_until
from tests.support.ports import free_port


@pytest.fixture
def checkout(tmp_path):
    yield tmp_path
    local_aws.down(tmp_path, print)


def belongings(checkout):
    client, label = docker.from_env(), {"label": for_checkout(checkout).label_filter}
    return [
        thing.name
        for things in (
            client.containers.list(all=True, filters=label, ignore_removed=True),
            client.networks.list(filters=label),
            client.volumes.list(filters=label),
        )
        for thing in things
    ]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def own_port():
    """One that no other group takes while the server of this one is away."""
    return os.environ | {"SLIPWAY_LOCAL_PORT": str(free_port())}


def kill(checkout):
    server = server_process.find(for_checkout(checkout))
    os.kill(server.pid, signal.SIGKILL)
    while server.alive():
        time.sleep(0.02)


def test_up_answers_on_this_machine_only_and_down_leaves_nothing(checkout):
    aws = local_aws.up(checkout, print)
    settings = for_checkout(checkout)
    server = server_process.find(settings)

    assert "available" in requests.get(f"{aws.endpoint_url}/_ministack/health", timeout=5).text
    assert [settings.network] == belongings(checkout)
    # The machine's own address on the containers' network: an address of this machine that is not 127.0.0.1.
    network = docker.from_env().networks.get(settings.network)
    other_address = network.attrs["IPAM"]["Config"][0]["Gateway"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{other_address}:{settings.port}/", timeout=2)

    local_aws.down(checkout, print)

    assert [] == belongings(checkout)
    assert not server.alive()
    assert not listens(settings.port)
    assert ["lock"] == [path.name for path in settings.state_directory.iterdir()]


def test_up_twice_is_the_same_local_aws(checkout):
    first = local_aws.up(checkout, print)
    pid = server_process.find(for_checkout(checkout)).pid
    said = []

    assert first == local_aws.up(checkout, said.append)
    assert pid == server_process.find(for_checkout(checkout)).pid
    assert [] == said


def test_down_twice_is_fine_and_down_before_any_up_too(checkout):
    local_aws.down(checkout, print)
    local_aws.up(checkout, print)
    local_aws.down(checkout, print)
    local_aws.down(checkout, print)

    assert local_aws.running(checkout) is None


def test_two_checkouts_do_not_collide(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    try:
        first, second = local_aws.up(one, print), local_aws.up(other, print)

        assert first.endpoint_url != second.endpoint_url

        local_aws.down(one, print)

        assert local_aws.running(one) is None
        assert second == local_aws.running(other)
    finally:
        local_aws.down(one, print)
        local_aws.down(other, print)


def test_two_ups_at_once_make_one_local_aws(checkout):
    made = []
    threads = [threading.Thread(target=lambda: made.append(local_aws.up(checkout, print))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 2 == len(made)
    assert 1 == len(set(made))


def test_what_was_there_comes_back_after_kill_9(checkout):
    aws = local_aws.up(checkout, print, own_port())
    put = {"X-Amz-Target": "AmazonSSM.PutParameter", "Content-Type": "application/x-amz-json-1.1"}
    get = put | {"X-Amz-Target": "AmazonSSM.GetParameter"}
    requests.post(
        aws.endpoint_url, headers=put, json={"Name": "/a", "Value": "kept", "Type": "String"}, timeout=5
    )
    state = for_checkout(checkout).state_directory / "state" / "ministack.services.ssm.pickle"
    wait_until(lambda: (state.exists() and b"kept" in state.read_bytes()) or None, what="a save", timeout=60)
    kill(checkout)

    assert local_aws.running(checkout) is None
    assert aws == local_aws.up(checkout, print)
    assert "kept" in requests.post(aws.endpoint_url, headers=get, json={"Name": "/a"}, timeout=5).text


def test_up_while_a_killed_server_still_ends_starts_it_again(checkout):
    aws = local_aws.up(checkout, print, own_port())
    server = server_process.find(for_checkout(checkout))
    server.signal(signal.SIGSTOP)
    ending = threading.Timer(0.5, server.signal, [signal.SIGKILL])
    ending.start()

    assert aws == local_aws.up(checkout, print)
    assert aws == local_aws.running(checkout)


def test_down_does_not_wait_for_a_stack_that_waits(checkout):
    aws = local_aws.up(checkout, print)
    waiting = """
    Resources:
      Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
      Wait: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 600}}
    """
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("cloudformation", endpoint_url=aws.endpoint_url, region_name=aws.region, **keys)
    client.create_stack(StackName="waiting", TemplateBody=waiting)

    def waits():
        events = client.describe_stack_events(StackName="waiting")["StackEvents"]
        return "Wait" in [one["LogicalResourceId"] for one in events] or None

    wait_until(waits, what="the stack to wait", timeout=30, first_pause=0.1)
    begun = time.monotonic()
    server_process.stop(for_checkout(checkout), print)

    assert time.monotonic() - begun < server_process.STOP_SECONDS / 2


def test_down_after_kill_9_leaves_nothing(checkout):
    local_aws.up(checkout, print)
    kill(checkout)
    local_aws.down(checkout, print)

    assert [] == belongings(checkout)


def test_down_finds_the_server_when_the_state_directory_is_gone(checkout):
    local_aws.up(checkout, print)
    settings = for_checkout(checkout)
    server = server_process.find(settings)
    shutil.rmtree(settings.state_directory)

    local_aws.down(checkout, print)

    assert not server.alive()
    assert [] == belongings(checkout)


def test_a_port_in_use_that_was_asked_for_is_an_error_and_nothing_is_left(checkout):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(PortInUseError):
            local_aws.up(checkout, print, {"SLIPWAY_LOCAL_PORT": str(listener.getsockname()[1])})

    assert [] == belongings(checkout)


def test_a_server_that_does_not_start_is_told_with_the_last_words_of_its_log(checkout, monkeypatch):
    monkeypatch.setattr(server_process, "MODULE", "local_aws.no_such_module")

    with pytest.raises(LocalAwsError) as raised:
        local_aws.up(checkout, print)

    assert "ended with exit code 1" in raised.value.why
    assert any("no_such_module" in line for line in raised.value.details)


def test_status_says_what_there_is(checkout):
    assert "not running" in local_aws.status(checkout)[0]

    aws = local_aws.up(checkout, print)

    assert f"The local AWS answers at {aws.endpoint_url}" in local_aws.status(checkout)[0]
