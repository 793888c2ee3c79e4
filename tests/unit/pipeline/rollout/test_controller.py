"""A rollout followed to its end: gates answered with what was seen, errors rolled back, the cause told."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline import masking
from pipeline.aws import revision_tasks
from pipeline.aws.revision_tasks import Evidence
from pipeline.checks.ledger import Entry
from pipeline.cloudformation.change_set import StackSpec
from pipeline.errors import StackFailedError
from pipeline.graph import template
from pipeline.masking import masked
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.options import RolloutOptions
from pipeline.rollout.record import RolloutRecord
from tests.support.fake_rollout import RESOURCES, SERVICE, STAGES, FakeElb, FakeLogs, FakeRollouts
from tests.support.fakes import FakeHttp, client_error
from tests.support.small_project import DIGEST, REPOSITORY, World, world

IMAGE = f"{REPOSITORY}@{DIGEST}"
SECRET = "/orders/dev/test-traffic/secret"
TEMPLATE = template.parse(
    "app",
    "infra/app.yaml",
    "Resources: {Service: {Type: 'AWS::ECS::Service', Properties: {P: !Sub "
    "'{{resolve:ssm:/${ServiceName}/${EnvironmentName}/test-traffic/secret}}'}}}",
)


class NewVersion(FakeHttp):
    """What answers behind the test rule, to who knows the secret."""

    version, digest = "", DIGEST

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, str] = {}
        self.closed = False

    def __enter__(self) -> "NewVersion":
        return self

    def __exit__(self, *_: object) -> None: ...

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        known = self.headers.get("X-Slipway-Test") == "unguessable"
        seen = {"X-Service-Version": self.version if known else "old", "X-Image-Digest": self.digest}
        self.answers = {"GET /orders": (200, seen, b"[]"), "DELETE /orders": (405, {}, b"")}
        return super().request(method, url, **options)


class World2:
    """A world with a rollout in it, and its controller."""

    def __init__(self, here: World, said: list[str], **options: Any) -> None:
        self.here, self.said = here, said
        self.ecs: FakeRollouts = here.context.aws.client("ecs")
        self.controller = RolloutController(
            here.context,
            StackSpec("orders-dev-app", TEMPLATE, {"DatabaseClientSecurityGroupId": "sg-database"}, {}),
            said.append,
            RolloutOptions(**options),
        )
        here.cloudformation.resources = dict(RESOURCES)

    def fails(self, version: str, stage: str) -> None:
        """Three failed requests of the production probe, answered by `version`."""
        assert self.controller._monitor is not None
        for _ in range(3):
            entry = Entry(time.time(), 0.1, 500, version, "boom", stage, counts=True)
            self.controller._monitor.ledger.add(entry)

    def run(self, looks: int = 40, **how: Any) -> None:
        for _ in range(looks):
            self.here.time.now += 1
            self.controller.reconcile(**how)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World2]:
    made = world(tmp_path, ecs=FakeRollouts(), elbv2=FakeElb(), logs=FakeLogs())
    made.ssm.put_parameter(Name=SECRET, Value="unguessable", Type="String", Overwrite=False)
    [tags] = made.ecr.images.values()
    monkeypatch.setattr(NewVersion, "version", tags[0])
    monkeypatch.setattr(NewVersion, "digest", DIGEST)
    monkeypatch.setattr(requests, "Session", NewVersion)
    monkeypatch.setattr(masking, "_remembered", set())
    found = World2(made, [])
    yield found
    found.controller.close()


def test_a_look_reads_two_pages_at_most_however_long_the_history_of_the_service_is(here: World2) -> None:
    for _ in range(100):
        here.ecs.release(IMAGE, status="SUCCESSFUL")
    here.controller.begin(SERVICE)
    here.ecs.listed = 0

    here.run(5)  # CloudFormation has not come to the service yet
    waiting = here.ecs.listed
    here.ecs.release(IMAGE)
    here.run(5)

    assert (10, 5) == (waiting, here.ecs.listed - waiting)


def test_a_good_release_passes_both_gates_and_nothing_is_to_blame(here: World2) -> None:
    here.ecs.release(IMAGE)
    here.run()

    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == here.ecs.answers
    assert here.controller.failure() is None
    assert "rollout: CLEAN_UP SUCCESSFUL" in here.said
    assert [] == here.ecs.stopped


def test_the_migration_runs_once_from_the_new_task_definition_as_somebody_else(here: World2) -> None:
    here.ecs.release(IMAGE)
    here.run()

    [request] = here.ecs.run_requests
    assert "orders-dev:1" == request["taskDefinition"]
    assert "arn:aws:iam::000000000000:role/migration-role" == request["overrides"]["taskRoleArn"]
    assert [{"name": "app", "command": ["migrate"]}] == request["overrides"]["containerOverrides"]
    network = request["networkConfiguration"]["awsvpcConfiguration"]
    assert ["sg-migration", "sg-database"] == network["securityGroups"]
    assert "ENABLED" == network["assignPublicIp"]
    assert "  schema is at 0002" in here.said


def test_a_second_runner_takes_the_migration_that_runs_already(here: World2) -> None:
    here.ecs.release(IMAGE)
    here.ecs.run_task(startedBy="slipway-migrate/d1")
    here.run()

    assert 1 == len(here.ecs.run_requests)
    assert ("PRE_SCALE_UP", "CONTINUE") == here.ecs.answers[0]


def test_a_gate_whose_answer_does_not_show_yet_is_not_answered_again(here: World2) -> None:
    here.ecs.lags = True
    here.ecs.release(IMAGE)
    here.run(10)

    assert [("PRE_SCALE_UP", "CONTINUE")] == here.ecs.answers


def test_a_failed_migration_rolls_back_and_its_log_is_on_the_page(here: World2) -> None:
    here.ecs.migration_exits = 1
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert [("PRE_SCALE_UP", "ROLLBACK")] == here.ecs.answers
    assert failure is not None
    assert 19 == failure.exit_code
    assert f"version {NewVersion.version} was rolled back in PRE_SCALE_UP" == failure.what
    assert "the migration failed: it exited with 1" == failure.why
    assert "  schema is at 0002" in failure.details


def test_another_container_that_ended_the_migrations_task_is_named_with_its_last_words(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = {"name": "proxy", "logConfiguration": {"options": {"awslogs-group": "/orders/dev"}}}
    monkeypatch.setattr(
        here.ecs,
        "describe_task_definition",
        lambda **_: {"taskDefinition": {"containerDefinitions": [sidecar]}},
    )
    here.ecs.other_containers = [{"name": "proxy", "exitCode": 3}]
    here.ecs.migration_exits = 143
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert failure.why.startswith("the migration failed: container proxy exited with 3, which ended the task")
    assert "    last log lines of proxy:" in failure.details


def test_the_health_checks_own_answer_is_told_before_the_alarm_that_it_set_off(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirects = Evidence("the health check of /ready on port 8081 was answered 302", ("a line",))
    monkeypatch.setattr(revision_tasks, "of_tasks", lambda *_: redirects)
    here.ecs.stays = "BAKE_TIME"
    here.ecs.release(IMAGE)
    here.run()
    here.ecs.deployments[-1]["alarms"] = {"status": "TRIGGERED", "triggeredAlarmNames": ["unhealthy"]}
    here.run(5)

    failure = here.controller.failure()
    assert failure is not None
    assert failure.why == (
        "the health check of /ready on port 8081 was answered 302; unhealthy went into ALARM in BAKE_TIME"
    )
    assert "a line" in failure.details


def test_the_last_words_of_a_crash_are_told_before_that_it_was_not_healthy(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = Evidence("container app exited with 1: KeyError: 'TEA'")
    monkeypatch.setattr(revision_tasks, "of_tasks", lambda *_: crash)
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(1000)

    failure = here.controller.failure()
    assert failure is not None
    assert failure.why.startswith("container app exited with 1: KeyError: 'TEA'; 0 of 2 tasks")


def test_a_crash_behind_a_failed_smoke_test_is_told_first(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = Evidence("container cache exited with 137 (OutOfMemoryError)")
    monkeypatch.setattr(revision_tasks, "of_tasks", lambda *_: crash)
    monkeypatch.setattr(NewVersion, "version", "old")
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert failure.why.startswith("container cache exited with 137 (OutOfMemoryError); ")
    assert "of the new version failed" in failure.why


def test_a_rollback_of_ecs_own_that_is_over_already_is_told_with_its_cause(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = Evidence("container app exited with 1: KeyError: 'TEA'")
    monkeypatch.setattr(revision_tasks, "of_tasks", lambda *_: crash)
    here.ecs.release(IMAGE, status="ROLLBACK_SUCCESSFUL")
    here.ecs.deployments[-1]["statusReason"] = "tasks failed to start"
    here.run(3)

    failure = here.controller.failure()
    assert failure is not None
    assert "container app exited with 1: KeyError: 'TEA'; tasks failed to start" == failure.why


def test_a_migration_that_could_not_be_run_rolls_back(here: World2) -> None:
    del here.here.cloudformation.resources["MigrationTaskRole"]
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert "the migration could not be run: MigrationTaskRole is not there" == failure.why


def test_another_version_behind_the_test_rule_rolls_back(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NewVersion, "version", "old")
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert ("POST_TEST_TRAFFIC_SHIFT", "ROLLBACK") == here.ecs.answers[-1]
    assert failure is not None
    assert "X-Service-Version is 'old'" in failure.why


def test_another_image_of_the_same_version_rolls_back(here: World2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NewVersion, "digest", "sha256:other")
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert "X-Image-Digest is 'sha256:other'" in failure.why


def test_without_the_secret_the_test_could_not_be_run_and_rolls_back(here: World2) -> None:
    here.here.ssm.values.pop(SECRET)
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert failure.why.startswith("the smoke tests of the new version could not be run")


def test_the_secret_is_never_said(here: World2) -> None:
    here.ecs.release(IMAGE)
    here.run()

    assert "unguessable" not in "\n".join(here.said)
    assert "the header was ***" == masked("the header was unguessable", {})


def test_errors_of_the_probe_during_the_bake_stop_the_deployment(here: World2) -> None:
    here.ecs.stays = "BAKE_TIME"
    here.ecs.release(IMAGE)
    here.run()
    here.fails(NewVersion.version, "BAKE_TIME")
    here.run(5)

    failure = here.controller.failure()
    assert 1 == len(here.ecs.stopped)
    assert failure is not None
    assert "was rolled back in BAKE_TIME" in failure.what
    assert f"BAKE_TIME: 500 from version {NewVersion.version} (boom)" in failure.details


def test_a_stop_that_came_too_late_does_not_say_that_the_version_is_gone(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(**_: Any) -> Any:
        here.ecs.stays = ""
        raise client_error("StopServiceDeployment", "InvalidParameterException", "it is over")

    monkeypatch.setattr(here.ecs, "stop_service_deployment", too_late)
    here.ecs.stays = "BAKE_TIME"
    here.ecs.release(IMAGE)
    here.run()
    here.fails(NewVersion.version, "BAKE_TIME")
    here.run(10)

    assert "SUCCESSFUL" == here.ecs.deployments[0]["status"]
    assert here.controller.failure() is None


def test_errors_of_the_version_before_do_not_stop_its_cure(here: World2) -> None:
    here.ecs.stays = "PRODUCTION_TRAFFIC_SHIFT"
    here.ecs.release(IMAGE)
    here.run()
    here.fails("old", "PRODUCTION_TRAFFIC_SHIFT")
    here.run(5)

    assert [] == here.ecs.stopped


def test_a_version_that_never_becomes_healthy_is_given_up_once(here: World2) -> None:
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(15 * 60 + 60)

    failure = here.controller.failure()
    assert 1 == len(here.ecs.stopped)
    assert failure is not None
    assert "0 of 2 tasks of the new version run" in failure.why
    assert "no task of the new version runs" in failure.details


def test_a_deployment_that_ecs_turns_back_is_told_while_its_tasks_are_there(here: World2) -> None:
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(10)
    here.ecs.deployments[0] |= {"status": "ROLLBACK_IN_PROGRESS", "rollback": {"reason": "errors in ALARM"}}
    here.run(5)

    failure = here.controller.failure()
    assert failure is not None
    assert ("errors in ALARM", "SCALE_UP") == (failure.why, here.controller.record.stage)
    assert "no task of the new version runs" in failure.details


@pytest.mark.parametrize("call", ["continue_service_deployment", "stop_service_deployment"])
def test_an_answer_that_did_not_get_through_is_given_again(
    here: World2, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    shipped, lost = getattr(here.ecs, call), [client_error(call, "ServerException", "once more, please")]

    def loses_one(**request: Any) -> Any:
        if lost:
            raise lost.pop()
        return shipped(**request)

    monkeypatch.setattr(here.ecs, call, loses_one)
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(15 * 60 + 60)

    assert [] == lost
    assert [("PRE_SCALE_UP", "CONTINUE")] == here.ecs.answers
    assert 1 == len(here.ecs.stopped)
    assert 1 == len([line for line in here.said if line.startswith("gate: running the database migration")])


def test_a_stop_that_ecs_never_takes_is_told_once_and_its_cause_is_kept(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> Any:
        raise client_error("StopServiceDeployment", "InvalidParameterException", "nothing to go back to")

    monkeypatch.setattr(here.ecs, "stop_service_deployment", refused)
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(15 * 60 + 60)

    failure = here.controller.failure()
    told = [line for line in here.said if "nothing to go back to" in line]
    assert 1 == len(told)
    assert failure is not None
    assert "it was not healthy within" in failure.why
    assert "no task of the new version runs" in failure.details


def test_a_deployment_that_ended_before_is_not_followed(here: World2) -> None:
    here.ecs.release(IMAGE, status="ROLLBACK_SUCCESSFUL")
    here.controller.begin(SERVICE)
    here.run(3)

    assert [] == here.said


def test_what_the_stack_puts_back_is_let_through_and_blamed_for_nothing(here: World2) -> None:
    here.ecs.migration_exits = 1
    here.ecs.release(IMAGE)
    here.run()
    here.ecs.release(f"{REPOSITORY}@sha256:{'b' * 64}")
    here.run(stack_rolls_back=True)

    failure = here.controller.failure()
    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == here.ecs.answers[1:]
    assert failure is not None
    assert "the migration failed: it exited with 1" == failure.why
    assert 1 == len(here.ecs.run_requests)


def test_straight_answers_the_gates_without_migration_or_test(here: World2) -> None:
    straight = World2(here.here, [], straight=True)
    straight.ecs.release(IMAGE)
    straight.run()
    straight.controller.close()

    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == straight.ecs.answers
    assert [] == straight.ecs.run_requests


def test_the_first_deployment_of_all_is_answered_alike_and_probed_once_its_traffic_has_shifted(
    here: World2,
) -> None:
    here.ecs.release(IMAGE, first=True)
    here.run()
    here.controller.close()

    assert 2 == len(here.ecs.answers)
    assert here.controller._monitor is not None
    assert {"BAKE_TIME"} >= {entry.stage for entry in here.controller._monitor.ledger.entries} - {"CLEAN_UP"}


def test_a_hook_that_expired_meanwhile_does_not_end_the_pipeline(here: World2) -> None:
    arn = here.ecs.release(IMAGE)
    here.run(2)
    here.ecs._named(arn)["lifecycleHookDetails"] = []
    here.ecs._named(arn).update(
        status="ROLLBACK_SUCCESSFUL", statusReason="The hook timed out.", lifecycleStage="CLEAN_UP"
    )
    here.run(3)

    failure = here.controller.failure()
    assert failure is not None
    assert "was rolled back in PRE_SCALE_UP" in failure.what
    assert "The hook timed out." == failure.why


def test_the_page_goes_down_to_the_last_log_lines_of_the_stack(here: World2) -> None:
    here.ecs.migration_exits = 1
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure(
        StackFailedError("x", details=["a task's last words"], where="infra/a:1")
    )

    assert failure is not None
    assert "rollout: RECONCILE_SERVICE IN_PROGRESS" == failure.details[0]
    assert "a task's last words" in failure.details
    assert "  schema is at 0002" == failure.details[-1]
    assert "infra/a:1" == failure.where


def test_the_ledger_and_its_picture_are_kept(here: World2) -> None:
    here.ecs.release(IMAGE)
    here.run()
    here.controller.close()

    file = here.here.context.project.root / f".slipway/ledger-dev-{NewVersion.version}-d1.jsonl"
    assert file.read_text().startswith("{")
    assert file.with_suffix(".svg").read_text().startswith("<svg")


def test_the_story_is_told_once_with_its_stages_times_and_ledger(here: World2) -> None:
    records: list[RolloutRecord] = []
    told = World2(here.here, [], on_finished=records.append)
    told.ecs.release(IMAGE)
    told.run()
    told.controller.close()
    told.controller.close()

    [record] = records
    assert STAGES == tuple(dict.fromkeys(entry.stage for entry in record.entries))
    assert sorted(entry.at for entry in record.entries) == [entry.at for entry in record.entries]
    assert record.entries[-1].at <= record.ended
    assert record.ledger_file is not None
    assert record.ledger_file.is_file()


def test_where_no_rollout_was_seen_no_story_is_told(here: World2) -> None:
    records: list[RolloutRecord] = []
    World2(here.here, [], on_finished=records.append).controller.close()

    assert [] == records


def test_a_deployment_that_could_not_be_rolled_back_is_told_as_such(here: World2) -> None:
    here.ecs.stays = "SCALE_UP"
    here.ecs.release(IMAGE)
    here.run(10)
    here.ecs.deployments[0] |= {"status": "ROLLBACK_FAILED", "statusReason": "no capacity"}
    here.run(2)

    failure = here.controller.failure()
    assert failure is not None
    assert f"version {NewVersion.version} could not be rolled back in SCALE_UP" == failure.what
    assert "mend the cause and deploy again; `status` tells what serves now" == failure.next_step


def test_a_stack_that_is_stuck_keeps_the_command_that_helps(here: World2) -> None:
    here.ecs.migration_exits = 1
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure(StackFailedError("x", next_step="aws cloudformation helps"))
    assert failure is not None
    assert "aws cloudformation helps; `status` tells what serves now" == failure.next_step


def test_a_rolling_deployment_has_no_stages_and_is_left_to_its_circuit_breaker(here: World2) -> None:
    arn = here.ecs.release(IMAGE)
    here.ecs._named(arn)["lifecycleStage"] = here.ecs.stays = ""
    here.run(15 * 60 + 60)

    assert [] == here.ecs.stopped


def test_errors_of_the_new_version_stop_a_rolling_deployment(here: World2) -> None:
    arn = here.ecs.release(IMAGE)
    here.ecs._named(arn)["lifecycleStage"] = here.ecs.stays = ""
    here.ecs._named(arn)["deploymentConfiguration"] = {"strategy": "ROLLING"}
    here.run(3)
    here.fails(NewVersion.version, "")
    here.run(3)

    failure = here.controller.failure()
    assert 1 == len(here.ecs.stopped)
    assert failure is not None
    assert f"version {NewVersion.version} was rolled back in the rolling update" == failure.what


def test_a_revision_that_ecs_does_not_show_yet_is_looked_for_again(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, hidden = here.ecs.describe_service_revisions, [{"serviceRevisions": []}] * 2
    monkeypatch.setattr(
        here.ecs, "describe_service_revisions", lambda **how: hidden.pop() if hidden else shown(**how)
    )
    here.ecs.release(IMAGE)
    here.run()

    assert "(could not follow the rollout: ECS does not know arn:revision/1)" == here.said[0]
    assert here.controller.failure() is None
    assert 2 == len(here.ecs.answers)


def test_a_migration_that_ecs_does_not_show_yet_is_waited_for(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, hidden = here.ecs.describe_tasks, [{"tasks": []}] * 3
    monkeypatch.setattr(here.ecs, "describe_tasks", lambda **how: hidden.pop() if hidden else shown(**how))
    here.ecs.release(IMAGE)
    here.run()

    assert ("PRE_SCALE_UP", "CONTINUE") == here.ecs.answers[0]


def test_a_migration_that_ecs_never_shows_rolls_back_at_last(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here.ecs, "describe_tasks", lambda **_: {"tasks": []})
    here.ecs.release(IMAGE)
    here.run()

    failure = here.controller.failure()
    assert failure is not None
    assert "the migration failed: it did not start (ECS no longer knows the task)" == failure.why


def test_an_image_without_a_tag_has_its_ledger_where_the_others_are(here: World2) -> None:
    here.here.ecr.images.clear()
    here.ecs.gates = ()
    here.ecs.release(IMAGE)
    here.run()
    here.controller.close()

    [file] = here.here.context.project.root.glob(".slipway/*.jsonl")
    assert f"ledger-dev-registry-orders-sha256-{'a' * 64}-d1.jsonl" == file.name


def test_a_ledger_that_can_not_be_kept_where_it_was_wanted_is_kept_all_the_same(
    here: World2, tmp_path: Path
) -> None:
    elsewhere = World2(here.here, [], ledger=tmp_path)
    elsewhere.ecs.release(IMAGE)
    elsewhere.run()
    elsewhere.controller.close()

    assert [] != list(here.here.context.project.root.glob(".slipway/*.jsonl"))
    assert [] != [line for line in elsewhere.said if line.startswith(f"({tmp_path} can't be written")]
    assert elsewhere.controller.failure() is None


def test_a_log_that_can_not_be_read_says_nothing_against_the_migration(
    here: World2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise client_error("GetLogEvents", "AccessDeniedException", "not allowed")

    monkeypatch.setattr(FakeLogs, "get_log_events", denied)
    here.ecs.release(IMAGE)
    here.run()

    assert ("PRE_SCALE_UP", "CONTINUE") == here.ecs.answers[0]
    assert 1 == len([line for line in here.said if line.startswith("(the migration's log is not readable: ")])
