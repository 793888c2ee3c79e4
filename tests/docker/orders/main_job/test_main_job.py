"""The main job on a clone of this repository: one command to a tested URL, and everything that may follow it.

The tests of this file share one local AWS and run in order; each leaves the newest good version serving.
"""

import contextlib
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local_aws.checkout import for_checkout
from tests.support.clone import Clone, Ran, clone_to
from tests.support.steady_client import SteadyClient, eventually, running, served_version, wait_for_line


def docker(*words: str) -> list[str]:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.split()


def command_lines() -> Iterator[str]:
    """Of every process; one may end while it is looked at."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield file.read_text(errors="replace")


def test_one_command_ends_with_smoke_tests_passed_and_a_url_that_answers(clone: Clone, up: Ran) -> None:
    answer = requests.get(f"{up.url}/orders", timeout=5)
    status = clone.pipeline("status", "local", "--json")

    assert "smoke" in up.output.lower()
    assert 200 == answer.status_code
    assert "application/json" in answer.headers["Content-Type"]
    assert 0 == status.exit_code
    assert 2 == len(running(json.loads(status.output)["tasks"]))


def test_a_second_time_changes_nothing_says_so_and_keeps_the_orders(clone: Clone, api: str) -> None:
    placed = requests.post(f"{api}/orders", json={"item": "tea", "quantity": 2}, timeout=5).json()
    version = served_version(api)

    again = clone.make("up")

    assert 0 == again.exit_code
    assert "nothing changed" in again.output.lower()
    assert placed == requests.get(f"{api}/orders/{placed['id']}", timeout=5).json()
    assert version == served_version(api)


def test_forbidden_methods_and_the_actuator_stay_outside(api: str) -> None:
    assert 405 == requests.delete(f"{api}/orders/1", timeout=5).status_code
    assert 404 == requests.get(f"{api}/actuator/health", timeout=5).status_code


def test_another_schema_name_would_be_another_database_and_nothing_is_touched(clone: Clone, api: str) -> None:
    placed = requests.post(f"{api}/orders", json={"item": "tea", "quantity": 2}, timeout=5).json()
    file = clone.path / "infra/environments/local.yaml"
    before = file.read_text()
    file.write_text(before.replace("parameters:\n", "parameters:\n  DatabaseName: other\n"))

    ran = [clone.pipeline(*words, "local") for words in (("plan",), ("deploy",), ("deploy",))]
    file.write_text(before)

    assert [22, 22, 22] == [one.exit_code for one in ran]
    for one in ran:
        assert "rds-database/Database holds data and would be replaced" in one.output
        assert "deploy local --replace rds-database/Database" in one.output
    assert "UPDATE_IN_PROGRESS" not in ran[1].output
    assert placed == requests.get(f"{api}/orders/{placed['id']}", timeout=5).json()


def test_an_edit_in_app_is_a_new_version(clone: Clone, api: str) -> None:
    before = served_version(api)
    with (clone.path / "app/orders/api.py").open("a") as source:
        source.write("# An edit.\n")

    with SteadyClient(f"{api}/orders") as client:
        ran = clone.make("up")

    assert 0 == ran.exit_code
    assert before != served_version(api)
    assert [] == client.failures


def test_a_killed_container_is_replaced(clone: Clone, api: str) -> None:
    tasks = json.loads(clone.pipeline("status", "local", "--json").output)["tasks"]
    container = docker("ps", "--quiet", "--filter", f"name={tasks[0]['task_id']}-app")
    docker("kill", *container)

    def replaced() -> bool:
        now = json.loads(clone.pipeline("status", "local", "--json").output)["tasks"]
        return tasks[0]["task_id"] not in {t["task_id"] for t in now} and 2 == len(running(now))

    eventually(replaced, seconds=180)


def test_ctrl_c_in_the_middle_loses_nothing_and_a_second_run_carries_on(clone: Clone, api: str) -> None:
    with (clone.path / "app/orders/api.py").open("a") as source:
        source.write("# Interrupted.\n")
    before = served_version(api)

    with clone.start(".venv/bin/python", "-m", "pipeline", "deploy", "local") as deploy:
        wait_for_line(deploy, "UPDATE_IN_PROGRESS")
        deploy.send_signal(signal.SIGINT)
        rest, _ = deploy.communicate(timeout=60)
    again = clone.make("up")

    assert 130 == deploy.returncode
    assert "Traceback" not in rest
    assert 0 == again.exit_code
    assert before != served_version(api)


def test_another_account_is_refused_and_nothing_is_touched(clone: Clone, api: str) -> None:
    dev = clone.path / "infra/environments/dev.yaml"
    dev.write_text(re.sub(r'^account: "\d+"', 'account: "123456789012"', dev.read_text(), flags=re.MULTILINE))
    endpoint = re.findall(r"http://localhost:\d+", clone.pipeline("local", "status").output)[0]

    ran = clone.pipeline(
        "deploy", "dev", AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"
    )

    assert 6 == ran.exit_code
    assert "123456789012" in ran.output
    assert "orders-dev" not in clone.pipeline("status", "local").output


def test_plan_says_what_would_change_and_changes_nothing(clone: Clone, api: str) -> None:
    clone.replace("infra/environments/local.yaml", "TaskCount: 2", "TaskCount: 3")

    ran = clone.pipeline("plan", "local")
    clone.replace("infra/environments/local.yaml", "TaskCount: 3", "TaskCount: 2")

    assert 0 == ran.exit_code
    assert "Service" in ran.output
    assert 2 == len(running(json.loads(clone.pipeline("status", "local", "--json").output)["tasks"]))


def test_a_sixth_template_that_asks_for_the_vpc_is_deployed_in_its_place(clone: Clone, api: str) -> None:
    sixth = clone.path / "infra/cache.yaml"
    sixth.write_text(
        """
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  EnvironmentName: {Type: String}
  VpcId: {Type: 'AWS::EC2::VPC::Id'}
Resources:
  CacheSecurityGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: A sixth stack
      VpcId: !Ref VpcId
Outputs:
  CacheSecurityGroupId: {Value: !Ref CacheSecurityGroup}
"""
    )

    ran = clone.make("up")

    assert 0 == ran.exit_code
    assert re.search(r"cache\b.*created", ran.output, re.IGNORECASE)


def test_another_process_sees_the_port_taken_and_another_checkout_takes_the_next(
    clone: Clone, up: Ran, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = clone_to(tmp_path_factory.mktemp("other"))
    try:
        ran = other.pipeline("local", "up")
        here = clone.pipeline("local", "status")
        there = other.pipeline("local", "status")
    finally:
        gone = other.pipeline("local", "down")

    assert 0 == ran.exit_code
    assert 0 == gone.exit_code
    assert set(re.findall(r"localhost:\d+", here.output)).isdisjoint(
        re.findall(r"localhost:\d+", there.output)
    )
    assert requests.get(f"{up.url}/orders", timeout=5).ok


def test_down_leaves_nothing(clone: Clone, up: Ran) -> None:
    ran = clone.make("down")

    assert 0 == ran.exit_code
    with pytest.raises(requests.ConnectionError):
        requests.get(up.url, timeout=5)
    ours = ["--quiet", "--filter", f"label=slipway.local={for_checkout(clone.path).id}"]
    kept = {
        "containers": docker("ps", "--all", *ours),
        "networks": docker("network", "ls", *ours),
        "volumes": docker("volume", "ls", *ours),
    }
    assert {"containers": [], "networks": [], "volumes": []} == kept
    assert not [command for command in command_lines() if str(clone.path) in command]
