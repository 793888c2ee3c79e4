"""ECS services as real containers behind the real load balancer: releases, good and bad, and mishaps."""

import json
import os
import re
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest
import requests

from local_aws import up
from local_aws.checkout import for_checkout
from local_aws.ecs.tasks.containers import Containers, Seen
from tests.support.probe_service import Aws, Load, eventually


def test_a_stack_is_complete_when_its_service_is_steady_and_answers(steady: Aws) -> None:
    service = steady.service()

    assert (2, 2, 0) == (service["desiredCount"], service["runningCount"], service["pendingCount"])
    assert ["COMPLETED"] == [one["rolloutState"] for one in service["deployments"]]
    assert steady.messages()[0] == "(service probe) has reached a steady state."
    assert requests.get(steady.url, timeout=5).text == "1"


def test_secrets_reach_the_container_and_its_root_file_system_is_read_only(
    steady: Aws,
) -> None:
    app = steady.containers("app")[0]

    assert requests.get(f"{steady.url}/env/SECRET", timeout=5).text == "hush"
    assert app.attrs["HostConfig"]["ReadonlyRootfs"]


def test_the_first_container_of_a_task_ends_before_the_next_begins(steady: Aws) -> None:
    first, app = steady.tasks()[0]["containers"]

    assert ("STOPPED", 0, "RUNNING") == (first["lastStatus"], first["exitCode"], app["lastStatus"])
    assert "first comes first" in steady.log()


def test_a_method_that_no_rule_forwards_gets_the_default_action(steady: Aws) -> None:
    assert requests.delete(steady.url, timeout=5).status_code == 405


def test_target_health_is_told_from_real_checks(steady: Aws) -> None:
    described = steady.client("elbv2").describe_target_health(TargetGroupArn=steady.output("BlueArn"))
    healthy = [
        one for one in described["TargetHealthDescriptions"] if one["TargetHealth"]["State"] == "healthy"
    ]

    assert [8080, 8080] == [one["Target"]["Port"] for one in healthy]
    assert {"8081"} == {one["HealthCheckPort"] for one in healthy}


def test_a_rolling_release_under_load_loses_no_request(steady: Aws) -> None:
    with Load(steady.url) as load:
        ends = [steady.deploy(Version=version) for version in ("2", "3")]

    assert ["UPDATE_COMPLETE"] * 2 == ends
    assert [] == load.failures
    assert {"1", "2", "3"} == load.versions
    assert requests.get(steady.url, timeout=5).text == "3"


def test_a_release_that_crashes_at_start_trips_the_breaker_and_the_old_version_answers_all_along(
    steady: Aws,
) -> None:
    before = steady.service()["deployments"][0]["id"]
    with Load(steady.url) as load:
        end = steady.deploy(Version="crash", Crash="1")
    task = steady.task_with_reason("Essential container in task exited")
    stream = f"probe/app/{task['taskArn'].rpartition('/')[2]}"
    events = steady.client("logs").get_log_events(logGroupName="/probe", logStreamName=stream)["events"]

    assert end == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
        in steady.reasons()[0]
    )
    assert [] == load.failures
    assert {"1"} == load.versions
    # The task tells its reason, its exit code and its last words.
    assert task["stopCode"] == "EssentialContainerExited"
    assert [3] == [one["exitCode"] for one in task["containers"] if one["name"] == "app"]
    assert ["probe crash starts", "last words: cannot go on"] == [one["message"] for one in events]
    # It is rolled back to the deployment before.
    assert before == steady.service()["deployments"][0]["id"]
    assert any(f"rolling back to deployment {before}." in one for one in steady.messages())
    assert any("deployment failed: tasks failed to start." in one for one in steady.messages())


def test_a_release_that_never_turns_healthy_is_rolled_back(steady: Aws) -> None:
    with Load(steady.url) as load:
        end = steady.deploy(Version="2", Unhealthy="1")

    assert end == "UPDATE_ROLLBACK_COMPLETE"
    assert [] == load.failures
    assert {"1"} == load.versions
    assert "Health checks failed with these codes: [503]" in steady.task_with_reason("ELB")["stoppedReason"]


def test_a_killed_container_is_replaced_within_seconds(steady: Aws) -> None:
    before = {one["taskArn"] for one in steady.tasks()}
    steady.containers("app")[0].kill()

    def replaced() -> bool:
        running = {one["taskArn"] for one in steady.tasks() if one["lastStatus"] == "RUNNING"}
        return len(running) == 2 and running != before

    eventually("another task", replaced)
    assert steady.task_with_reason("Essential container in task exited")["containers"]


def test_an_image_that_is_not_in_the_repository_is_told_in_the_words_of_ecs(steady: Aws) -> None:
    absent = steady.image[:-64] + "0" * 64

    assert steady.deploy(ImageUri=absent) == "UPDATE_ROLLBACK_COMPLETE"
    assert re.match(
        rf"CannotPullContainerError: .*failed to resolve ref {absent}: {absent}: not found",
        steady.task_with_reason("CannotPull")["stoppedReason"],
    )


def test_a_missing_secret_is_told_in_the_words_of_ecs(steady: Aws) -> None:
    assert steady.deploy(Secret="/probe/absent") == "UPDATE_ROLLBACK_COMPLETE"
    stopped = steady.task_with_reason("ResourceInitializationError")

    assert "unable to retrieve secrets from ssm" in stopped["stoppedReason"]
    assert stopped["stoppedReason"].endswith("invalid ssm parameters: /probe/absent")
    assert stopped["stopCode"] == "TaskFailedToStart"


def test_secrets_of_secrets_manager_reach_a_container_whole_by_key_stage_and_version(steady: Aws) -> None:
    manager = steady.client("secretsmanager")
    made = manager.create_secret(Name="probe/api", SecretString='{"user": "ann", "port": 5432}')
    manager.put_secret_value(SecretId="probe/api", SecretString='{"user": "bob", "port": 5433}')
    arn, first = made["ARN"], made["VersionId"]
    values = {
        "WHOLE": arn,
        "KEY": f"{arn}:port::",
        "STAGE": f"{arn}:user:AWSPREVIOUS:",
        "VERSION": f"{arn}:user::{first}",
    }
    said = "import os; print([os.environ[name] for name in ('WHOLE', 'KEY', 'STAGE', 'VERSION')])"
    ended = stopped(steady, run_with_secrets(steady, values, said))

    assert 0 == ended["containers"][0]["exitCode"], ended
    assert """['{"user": "bob", "port": 5433}', '5433', 'ann', 'ann']""" in steady.log()


def test_a_secret_that_the_execution_role_may_not_read_is_told_in_the_words_of_ecs(steady: Aws) -> None:
    arn = steady.client("secretsmanager").create_secret(Name="other/api", SecretString="hush")["ARN"]
    ended = stopped(steady, run_with_secrets(steady, {"X": arn}, "print('never')"))

    assert "TaskFailedToStart" == ended["stopCode"]
    assert re.fullmatch(
        "ResourceInitializationError: .*: unable to retrieve secret from asm: .*failed to fetch secret "
        f"{arn} from secrets manager: AccessDeniedException: User: .* is not authorized to perform: "
        f"secretsmanager:GetSecretValue on resource: {arn} because no identity-based policy allows .*",
        ended["stoppedReason"],
    )


def test_a_request_in_flight_outlives_the_release_that_replaces_its_task(steady: Aws) -> None:
    with Load(f"{steady.url}/slow?seconds=3", per_second=8) as load:
        end = steady.deploy(Version="2")

    assert end == "UPDATE_COMPLETE"
    assert [] == load.failures


def test_a_fourth_method_in_a_rule_is_refused_with_aws_reason(steady: Aws) -> None:
    assert steady.deploy(Methods="GET,HEAD,POST,PUT") == "UPDATE_ROLLBACK_COMPLETE"
    assert "A condition can only have '3' condition values" in steady.reasons()[0]


def test_an_unknown_cluster_is_refused(steady: Aws) -> None:
    ecs = steady.client("ecs")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException, match=r"Cluster not found\."):
        ecs.create_service(cluster="absent", serviceName="s", taskDefinition="probe", desiredCount=1)


def test_scaling_is_no_deployment(steady: Aws) -> None:
    before = steady.service()["deployments"][0]["id"]
    steady.deploy(Version="1", Count="3")

    assert (3, before) == (steady.service()["runningCount"], steady.service()["deployments"][0]["id"])


def test_a_one_off_task_runs_to_its_end_with_its_log(steady: Aws) -> None:
    container = {
        "name": "once",
        "entryPoint": ["python3", "-c"],
        "command": ["print('as registered')"],
        **LOG,
    }
    override = {"name": "once", "command": ["print('migrated'); exit(4)"]}
    task = stopped(steady, run_once(steady, [container], overrides={"containerOverrides": [override]}))

    assert (4, "family:once") == (task["containers"][0]["exitCode"], task["group"])
    assert "migrated" in steady.log()


def test_a_volume_belongs_to_root_unless_the_image_declares_a_volume_there(steady: Aws) -> None:
    """The probe's image runs as user 65534, and everybody may write to its own /tmp."""
    program = (
        "import os\n"
        "for name in ('tmp', 'declared'):\n"
        "    path = '/' + name\n"
        "    state = os.stat(path)\n"
        "    print('volume', name, oct(state.st_mode)[-4:], state.st_uid, os.access(path, os.W_OK), "
        "os.listdir(path))"
    )
    mounts = [{"sourceVolume": name, "containerPath": f"/{name}"} for name in ("tmp", "declared")]
    container = {"name": "once", "entryPoint": ["python3", "-c"], "command": [program], "mountPoints": mounts}
    stopped(steady, run_once(steady, [{**container, **LOG}], volumes=[{"name": "tmp"}, {"name": "declared"}]))

    assert ["volume tmp 0755 0 False []", "volume declared 0755 65534 True ['from-the-image']"] == [
        line for line in steady.log() if line.startswith("volume")
    ]


def test_a_container_that_ended_is_started_again_with_its_lines_told_once(steady: Aws) -> None:
    """Below its period: RegisterTaskDefinition takes sixty seconds at least, which no test waits for."""
    image, checkout = steady.image, for_checkout(steady.checkout)
    containers = Containers(checkout)
    holder, _ = containers.start_network_holder("restarted")
    definition: Any = {
        "name": "app",
        "image": image,
        "entryPoint": ["sh", "-c"],
        "command": ["date +%N; exit 3"],
    }
    try:
        began = time.time()
        started = containers.start("restarted", definition, {}, holder, [])
        first = b"".join(containers.lines(started, began))
        again = time.time()
        containers.restart(started)
        second = b"".join(containers.lines(started, again))

        assert 3 == (containers.see(started) or Seen(running=True)).exit_code
    finally:
        containers.remove_task("restarted")

    assert 1 == first.count(b"\n") == second.count(b"\n")
    assert first != second


def test_container_health_checks_are_run_and_told(steady: Aws) -> None:
    def container(name: str, code: int) -> dict[str, Any]:
        check = {"command": ["CMD", "python3", "-c", f"exit({code})"], "interval": 5, "retries": 1}
        return {"name": name, "entryPoint": ["sleep"], "command": ["60"], "healthCheck": check}

    arn = run_once(steady, [container("good", 0), container("bad", 1)])

    def checked() -> list[str] | None:
        found = [one["healthStatus"] for one in steady.task(arn)["containers"]]
        return None if "UNKNOWN" in found else found

    assert ["HEALTHY", "UNHEALTHY"] == eventually("both verdicts", checked)
    assert steady.task(arn)["healthStatus"] == "UNHEALTHY"
    steady.client("ecs").stop_task(cluster="probe", task=arn)


OPTIONS = {"awslogs-group": "/probe", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "once"}
LOG = {"logConfiguration": {"logDriver": "awslogs", "options": OPTIONS}}


def run_with_secrets(aws: Aws, values: dict[str, str], program: str) -> str:
    """Run a program once that has these secrets; gives the task's ARN."""
    secrets = [{"name": name, "valueFrom": value_from} for name, value_from in values.items()]
    container = {"name": "once", "entryPoint": ["python3", "-c"], "command": [program], "secrets": secrets}
    return run_once(aws, [{**container, **LOG}])


def stopped(aws: Aws, arn: str) -> dict[str, Any]:
    """The task once it is STOPPED."""

    def ended() -> dict[str, Any] | None:
        task = aws.task(arn)
        return task if task["lastStatus"] == "STOPPED" else None

    task: dict[str, Any] = eventually("the one-off task", ended)
    return task


def run_once(
    aws: Aws, containers: list[dict[str, Any]], volumes: Sequence[dict[str, str]] = (), **more: Any
) -> str:
    """Register a task definition of the probe's image and run it once; gives the task's ARN."""
    ecs = aws.client("ecs")
    probe = ecs.describe_task_definition(taskDefinition="probe")["taskDefinition"]
    ecs.register_task_definition(
        family="once",
        executionRoleArn=probe["executionRoleArn"],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"image": aws.image, **one} for one in containers],
        volumes=[*volumes],
    )
    network = aws.service()["networkConfiguration"]
    started = ecs.run_task(cluster="probe", taskDefinition="once", networkConfiguration=network, **more)
    return str(started["tasks"][0]["taskArn"])


def test_a_server_that_was_killed_brings_its_services_back(steady: Aws) -> None:
    url = steady.url
    server = json.loads((steady.checkout / ".slipway" / "server.json").read_text())["pid"]
    definition = steady.service()["taskDefinition"]
    eventually(
        "the state to be saved",
        lambda: (
            (saved := steady.saved_service())
            and saved.was_steady
            and saved.primary.definition_arn == definition
        ),
    )
    os.kill(server, signal.SIGKILL)
    up(steady.checkout, lambda _: None)

    assert eventually("the service", lambda: answer_of(url) == "1")
    assert eventually("both tasks", lambda: steady.service()["runningCount"] == 2)
    assert steady.url == url


def answer_of(url: str) -> str:
    try:
        return requests.get(url, timeout=5).text
    except requests.RequestException:
        return ""


def test_deleting_the_stack_leaves_no_container_and_frees_the_port(steady: Aws) -> None:
    url = steady.url
    steady.delete()

    assert [] == steady.containers()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
