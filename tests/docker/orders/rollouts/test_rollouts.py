"""Rollouts for real: what moves traffic and what must not, who waits for whom, and every way back.

The tests of this file share one local AWS and run in order; each leaves a good version serving, and the last
one nothing at all.
"""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import boto3
import pytest
import requests

from local_aws.checkout import for_checkout
from tests.support.clone import Clone, Ran, clone_to
from tests.support.steady_client import SteadyClient, eventually, served_version, wait_for_line

PIPELINE = (".venv/bin/python", "-m", "pipeline")
LOCAL = "infra/environments/local.yaml"
LONG_BAKE = (LOCAL, "BakeTimeMinutes: 3", "BakeTimeMinutes: 40")


class Fork:
    """The clone, the service in it, and its local AWS seen past the pipeline."""

    def __init__(self, clone: Clone, url: str) -> None:
        self.clone, self.url = clone, url
        self._edits = 0

    def edit(self) -> None:
        """A new version that is as good as the one before."""
        self._edits += 1
        with (self.clone.path / "app/orders/api.py").open("a") as source:
            source.write(f"# Edit {self._edits}.\n")

    def deploy(self, *words: str) -> Ran:
        return self.clone.pipeline("deploy", "local", *words)

    def client(self, service: str) -> Any:
        endpoint = for_checkout(self.clone.path).endpoint_url
        known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1", **known)

    @property
    def resources(self) -> dict[str, str]:
        found = self.client("cloudformation").describe_stack_resources(StackName="orders-local-ecs-stack")
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found["StackResources"]}

    @property
    def weights(self) -> tuple[int, int]:
        """The production rule's weights: blue, green."""
        there = self.resources
        rule = self.client("elbv2").describe_rules(RuleArns=[there["ProductionRule"]])["Rules"][0]
        groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        found = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return found[there["BlueTargetGroup"]], found[there["GreenTargetGroup"]]

    @property
    def rollouts(self) -> list[str]:
        """Statuses, the newest first."""
        found = self.client("ecs").list_service_deployments(service=self.resources["Service"])
        return [one["status"] for one in found["serviceDeployments"]]

    @contextmanager
    def with_text(self, file: str, old: str, new: str) -> Iterator[None]:
        """A file with something else in it, for the block."""
        before = (self.clone.path / file).read_text()
        self.clone.replace(file, old, new)
        try:
            yield
        finally:
            (self.clone.path / file).write_text(before)

    @contextmanager
    def in_alarm(self) -> Iterator[None]:
        """An alarm of the service is in ALARM for the block and no longer: it takes no data for a breach."""
        cloudwatch, name = self.client("cloudwatch"), self.resources["TargetErrorsAlarmBlue"]
        [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        takes = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        settings = {key: value for key, value in alarm.items() if key in takes}

        def is_in(state: str) -> Callable[[], bool]:
            return lambda: bool(
                cloudwatch.describe_alarms(AlarmNames=[name], StateValue=state)["MetricAlarms"]
            )

        cloudwatch.put_metric_alarm(**{**settings, "TreatMissingData": "breaching"})
        try:
            eventually(is_in("ALARM"), seconds=60)
            yield
        finally:
            cloudwatch.put_metric_alarm(**settings)
            eventually(is_in("OK"), seconds=60)


@pytest.fixture(scope="module")
def fork(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    clone = clone_to(tmp_path_factory.mktemp("rollouts"))
    clone.replace(LOCAL, "TaskCount: 2", "TaskCount: 1")
    try:
        assert clone.pipeline("local", "up").exit_code == 0
        first = clone.pipeline("deploy", "local")
        assert first.exit_code == 0
        yield Fork(clone, first.url)
    finally:
        clone.pipeline("local", "down")


def rest(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=300)
    print(output)
    return output


def test_an_alarm_that_no_rollout_left_behind_refuses_a_release_before_it_begins(fork: Fork) -> None:
    with fork.with_text("app/orders/api.py", '"""', '""" '), fork.in_alarm():
        ran = fork.deploy()

    assert 20 == ran.exit_code
    assert "TargetErrorsAlarmBlue" in ran.output
    assert 1 == len(fork.rollouts)


def test_a_service_without_tasks_is_said_and_has_them_again_after_a_deploy_with_nothing_to_change(
    fork: Fork,
) -> None:
    cluster, service = fork.resources["Service"].split("/")[1:]
    fork.client("ecs").update_service(cluster=cluster, service=service, desiredCount=0)
    eventually(lambda: requests.get(f"{fork.url}/orders", timeout=5).status_code == 503, seconds=60)

    ran = fork.deploy()

    assert 0 == ran.exit_code
    assert "tasks run: the count was changed past CloudFormation; setting it to 1" in ran.output
    assert "everything is as it should be" not in ran.output
    assert 200 == requests.get(f"{fork.url}/orders", timeout=5).status_code
    assert 1 == len(fork.rollouts)


def test_a_stack_update_moves_no_traffic_after_an_odd_number_of_releases(fork: Fork) -> None:
    """aws-cdk#36649: production is on the second target group, and the template still says the first."""
    if fork.weights == (100, 0):
        fork.edit()
        assert fork.deploy().exit_code == 0
    weights = fork.weights
    with SteadyClient(f"{fork.url}/orders") as client:
        fork.clone.replace(LOCAL, "LogRetentionDays: 1", "LogRetentionDays: 3")
        unrelated = fork.deploy()
        fork.clone.replace(LOCAL, "parameters:", "parameters:\n  AllowedHttpMethods: GET,POST")
        the_rule_itself = fork.deploy()

    assert (0, 0) == (unrelated.exit_code, the_rule_itself.exit_code)
    assert "ProductionRule" in the_rule_itself.output
    assert [] == client.failures
    assert (0, 100) == weights == fork.weights
    assert 405 == requests.head(f"{fork.url}/orders", timeout=5).status_code


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_an_update_that_would_move_traffic_is_refused_and_says_why(fork: Fork, command: str) -> None:
    weights = fork.weights
    with fork.with_text("infra/ecs-stack.yaml", "Weight: !Ref BlueWeight", "Weight: 100"):
        ran = fork.clone.pipeline(command, "local")

    assert 20 == ran.exit_code
    assert "aws-cdk#36649" in ran.output
    assert "infra/ecs-stack.yaml:" in ran.output
    assert weights == fork.weights


def test_rollback_stops_the_rollout_under_way(fork: Fork) -> None:
    before = served_version(fork.url)
    fork.edit()
    with fork.with_text(*LONG_BAKE), fork.clone.start(*PIPELINE, "deploy", "local") as deploy:
        wait_for_line(deploy, "rollout: SCALE_UP IN_PROGRESS")
        ran = fork.clone.pipeline("rollback", "local")
        page = rest(deploy)

    assert (0, 19) == (ran.exit_code, deploy.returncode)
    # In SCALE_UP, or in a later stage where this machine was busy.
    assert re.search(r"was stopped in [A-Z_]+ and is ROLLBACK_SUCCESSFUL", ran.output)
    assert "a rollback was requested by StopServiceDeployment" in page
    assert before == served_version(fork.url)


def test_an_alarm_that_the_rollback_left_behind_is_waited_for(fork: Fork) -> None:
    with ExitStack() as alarm:
        alarm.enter_context(fork.in_alarm())
        with fork.clone.start(*PIPELINE, "deploy", "local") as deploy:
            wait_for_line(deploy, "waiting at most 10 minutes for the alarms to clear")
            alarm.close()
            output = rest(deploy)

    assert 0 == deploy.returncode
    assert "no alarm is in ALARM any more" in output


def test_rollback_afterwards_releases_the_version_before_through_the_gates(fork: Fork) -> None:
    """Although an alarm burns, and app/smoke.yaml asks for what that version never had."""
    now = served_version(fork.url)
    tea = "  - name: tea\n    steps: [{request: GET /tea, expect: {status: 200}}]"
    newer = ("app/smoke.yaml", "checks:", f"checks:\n{tea}")
    with fork.with_text(*newer), fork.in_alarm():
        through_the_gates = fork.clone.pipeline("rollback", "local")
    before = served_version(fork.url)
    straight = fork.clone.pipeline("rollback", "local", "--straight")

    assert (0, 0) == (through_the_gates.exit_code, straight.exit_code)
    assert before != now == served_version(fork.url)
    assert "gate at POST_TEST_TRAFFIC_SHIFT: CONTINUE (passed)" in through_the_gates.output
    assert "gate at POST_TEST_TRAFFIC_SHIFT: CONTINUE (--straight:" in straight.output


def test_a_rotated_password_reaches_the_database_and_the_tasks_through_the_gates(fork: Fork) -> None:
    """The running tasks keep their connections meanwhile; what they open anew is refused until they go."""
    before, version = len(fork.rollouts), served_version(fork.url)

    ran = fork.clone.pipeline("secret", "rotate", "local", "database/password")

    assert 0 == ran.exit_code
    assert "/orders/local/database/password changed: version 1, now 2" in ran.output
    assert "gate at PRE_SCALE_UP: CONTINUE (passed)" in ran.output
    assert (before + 1, "SUCCESSFUL") == (len(fork.rollouts), fork.rollouts[0])
    assert version == served_version(fork.url)
    assert 200 == requests.get(f"{fork.url}/orders", timeout=5).status_code


def test_a_rolling_release_that_crashes_comes_back_through_the_gates_of_the_strategy_before(
    fork: Fork,
) -> None:
    before = served_version(fork.url)
    first_line = '"""`orders serve`'
    crash = ("app/orders/server.py", first_line, f'raise RuntimeError("the tea is out")\n{first_line}')
    with fork.with_text(*crash), SteadyClient(f"{fork.url}/orders") as client:
        ran = fork.deploy("--strategy", "ROLLING")

    assert 19 == ran.exit_code
    assert "was rolled back in the rolling update" in ran.output
    assert "RuntimeError: the tea is out" in ran.output
    assert [] == client.failures
    assert before == served_version(fork.url)


def test_a_rollout_that_somebody_began_by_hand_is_let_end_and_its_gates_are_answered(fork: Fork) -> None:
    service = fork.resources["Service"]
    cluster = service.split("/")[1]
    count = len(fork.rollouts)
    fork.client("ecs").update_service(cluster=cluster, service=service, forceNewDeployment=True)

    ran = fork.deploy()

    assert 0 == ran.exit_code
    assert "no stack update began it: waiting for its end" in ran.output
    assert ["SUCCESSFUL"] == fork.rollouts[: len(fork.rollouts) - count]


def test_of_two_deploys_at_once_the_second_waits_and_finds_nothing_to_do(fork: Fork) -> None:
    fork.clone.replace(*LONG_BAKE)  # for the first one to be there still when the others come
    fork.edit()
    count = len(fork.rollouts)
    with fork.clone.start(*PIPELINE, "deploy", "local") as first:
        wait_for_line(first, "rollout: ")
        impatient = fork.deploy("--wait", "0")
        second = fork.deploy()
        rest(first)

    assert (0, 0, 12) == (first.returncode, second.exit_code, impatient.exit_code)
    assert "Traceback" not in impatient.output
    assert "is in the middle of `deploy local`" in second.output
    assert "nothing changed" in second.output.lower()
    assert count + 1 == len(fork.rollouts)


def test_a_version_whose_container_is_never_healthy_is_given_up(fork: Fork) -> None:
    """The load balancer finds it well; the container's own check does not."""
    unhealthy = ("app/orders/actuator.py", "/actuator/health/liveness", "/actuator/health/alive")
    with (
        fork.with_text(LOCAL, "healthy_within_minutes: 1", "healthy_within_minutes: 0.2"),
        fork.with_text(*unhealthy),
        SteadyClient(f"{fork.url}/orders") as client,
    ):
        ran = fork.deploy()

    assert 19 == ran.exit_code
    assert "was rolled back in SCALE_UP" in ran.output
    assert "it was not healthy within 12 s" in ran.output
    assert "health of container app: " in ran.output
    assert "last log lines of app:" in ran.output
    assert [] == client.failures


def test_a_port_that_nothing_listens_on_is_told_with_the_ports_that_are_open(fork: Fork) -> None:
    with (
        fork.with_text("app/orders/settings.py", "actuator_port: Port = 8081", "actuator_port: Port = 9081"),
        fork.with_text("app/orders/cli.py", '"ACTUATOR_PORT", "8081"', '"ACTUATOR_PORT", "9081"'),
        fork.with_text(LOCAL, "healthy_within_minutes: 1", "healthy_within_minutes: 0.6"),
        SteadyClient(f"{fork.url}/orders") as client,
    ):
        ran = fork.deploy()

    told = (
        "the health check of /actuator/health/readiness on port 8081: connection refused; open are 8080, 9081"
    )
    assert 19 == ran.exit_code
    assert f"why:  {told}; " in ran.output
    assert [] == client.failures


def test_a_version_that_crashes_only_when_it_serves_is_told_by_its_last_words(fork: Fork) -> None:
    line = "def serve(settings: Settings) -> None:"
    crash = ("app/orders/server.py", line, f"{line}\n    raise RuntimeError('the tea is out')")
    with (
        fork.with_text(*crash),
        fork.with_text(LOCAL, "healthy_within_minutes: 1", "healthy_within_minutes: 0.5"),
        SteadyClient(f"{fork.url}/orders") as client,
    ):
        ran = fork.deploy()

    assert 19 == ran.exit_code
    assert re.search(r"why:  .*RuntimeError: the tea is out; .*not healthy within 30 s", ran.output)
    assert [] == client.failures


def test_destroy_leaves_a_deploy_that_lives_alone_and_ends_the_gate_of_one_that_died(fork: Fork) -> None:
    fork.edit()
    destroy = ("destroy", "local", "--confirm", "local")
    with fork.clone.start(*PIPELINE, "deploy", "local") as deploy:
        wait_for_line(deploy, "gate: running the database migration")
        deploy.send_signal(signal.SIGSTOP)  # so that the gate stays open
        refused = fork.clone.pipeline(*destroy)
        deploy.kill()
    destroyed = fork.clone.pipeline(*destroy)

    assert (12, 0) == (refused.exit_code, destroyed.exit_code)
    assert "in PRE_SCALE_UP" in destroyed.output
    left = self_made(fork.client("cloudformation"))
    assert ["orders-ecr"] == left


def self_made(cloudformation: Any) -> list[str]:
    """The stacks that are still there."""
    stacks = cloudformation.describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
