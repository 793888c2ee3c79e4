"""A service deployment from its first stage to its last, with tasks and rules that only pretend."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local_aws.ecs.api.deployments import DeploymentOperations
from local_aws.ecs.deployments.scheduler import LATE_SECONDS, LOOK_SECONDS, STAGE_SECONDS, Scheduler
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups
from local_aws.elb.target_health import HEALTHY
from local_aws.emulator.refusals import RefusedError

CLUSTER = "arn:aws:ecs:eu-west-1:000000000000:cluster/c"
BALANCER = {
    "targetGroupArn": "blue",
    "containerName": "app",
    "containerPort": 8080,
    "advancedConfiguration": {
        "alternateTargetGroupArn": "green",
        "productionListenerRule": "production",
        "testListenerRule": "test",
    },
}
GATE = [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]


class PretendedRun:
    """A task that runs at once, and ends at once."""

    def __init__(self, task: Task, before_stop: Callable[[Task], None]) -> None:
        self.task = task
        self._before_stop = before_stop

    def start(self) -> None:
        self.task.last_status, self.task.started_at = "RUNNING", 0.0
        self.task.address = self.task.id

    def stop(self, code: str, reason: str) -> None:
        self.task.stop(code, reason, 0)
        self._before_stop(self.task)
        self.task.last_status, self.task.stopped_at = "STOPPED", 0.0


class Rules:
    """The weights of two listener rules."""

    def __init__(self) -> None:
        self.weights = {rule: {"blue": 100, "green": 0} for rule in ("production", "test")}
        self.trouble = ""

    def serving(self, rule: str) -> list[str]:
        return [group for group, weight in self.weights[rule].items() if weight]

    def move(self, rule: str, weights: Mapping[str, int]) -> None:
        self.weights[rule] = dict(weights)

    def problem(self, load_balancer: Mapping[str, Any]) -> str:
        return self.trouble


class Stage:
    """A service of two tasks. `now` is seconds, a minute has 60 of them; every target is healthy."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.groups = TargetGroups(lambda: self.now)
        self.rules = Rules()
        self.in_alarm: list[str] = []
        self.held = ""
        self.scheduler = Scheduler(
            self.groups,
            lambda _: 20.0,
            lambda task, before_stop, _: PretendedRun(task, before_stop),  # type: ignore[arg-type,return-value]
            traffic=self.rules,
            alarms=lambda names: [name for name in names if name in self.in_alarm],
            minute_seconds=60,
            held=lambda name: name == self.held,
            clock=lambda: self.now,
        )
        self.operations = DeploymentOperations(self.scheduler, None)  # type: ignore[arg-type]
        request = {"desiredCount": 2, "loadBalancers": [BALANCER]}
        self.service = Service("orders", "arn:aws:ecs:r:0:service/c/orders", CLUSTER, request, self.now)
        self.scheduler.services[self.service.arn] = self.service

    def begin(self, revision: int, **configuration: Any) -> ServiceDeployment:
        """Begin to release a revision, with one minute of bake."""
        definition = {
            "taskDefinitionArn": f"td:{revision}",
            "family": "orders",
            "containerDefinitions": [{"name": "app", "image": "i", "essential": True}],
        }
        whole = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, **configuration}
        self.service.request |= {"taskDefinition": f"td:{revision}", "deploymentConfiguration": whole}
        self.scheduler.deploy(self.service, definition, {"loadBalancers": [BALANCER]})
        assert self.service.rollout is not None
        return self.service.rollout

    def step(self, minutes: float = 0.0) -> None:
        self.now += minutes * 60
        self.scheduler.step(self.service)
        for group in self.groups.groups():
            for target in self.groups.targets(group):
                self.groups.update(target, lambda _: HEALTHY)

    def until(self, stage: str) -> None:
        rollout = self.service.rollouts[0]
        while rollout.step.stage != stage and rollout.is_ongoing:
            self.step(0.1)
        assert stage == rollout.step.stage, rollout.reason

    def finish(self) -> ServiceDeployment:
        rollout = self.service.rollouts[0]
        for _ in range(300):
            if not rollout.is_ongoing:
                break
            self.step(0.1)
        self.step()
        return rollout

    def released(self, revision: int) -> ServiceDeployment:
        self.begin(revision)
        return self.finish()

    def running(self) -> list[str]:
        """The task definitions of the tasks that run."""
        return sorted(t.definition_arn for t in self.scheduler.fleet.tasks() if t.last_status == "RUNNING")

    def describe(self, rollout: ServiceDeployment) -> dict[str, Any]:
        answer = self.operations.describe({"serviceDeploymentArns": [rollout.arn]})
        described: dict[str, Any] = answer["serviceDeployments"][0]
        return described


@pytest.fixture
def stage() -> Stage:
    """Revision 1, released."""
    made = Stage()
    assert made.released(1).status == "SUCCESSFUL"
    return made


def test_the_first_deployment_goes_to_the_group_that_gets_no_traffic_and_then_gets_it_all() -> None:
    stage = Stage()
    stage.released(1)

    assert {"production": {"blue": 0, "green": 100}, "test": {"blue": 0, "green": 100}} == stage.rules.weights


def test_both_revisions_run_side_by_side_until_the_bake_is_over(stage: Stage) -> None:
    stage.begin(2)
    stage.until("BAKE_TIME")

    assert ["td:1", "td:1", "td:2", "td:2"] == stage.running()
    assert stage.finish().status == "SUCCESSFUL"
    assert ["td:2", "td:2"] == stage.running()


def test_a_deployment_describes_its_revisions_tasks_and_traffic(stage: Stage) -> None:
    rollout = stage.begin(2, strategy="CANARY", canaryConfiguration={"canaryPercent": 10.0})
    stage.until("PRODUCTION_TRAFFIC_SHIFT")
    described = stage.describe(rollout)
    new, old = described["targetServiceRevision"], described["sourceServiceRevisions"][0]

    assert {"blue": 10, "green": 90} == stage.rules.weights["production"]
    assert (2, 2, 10.0, 100.0) == (
        new["requestedTaskCount"],
        new["runningTaskCount"],
        new["requestedProductionTrafficWeight"],
        new["requestedTestTrafficWeight"],
    )
    assert (2, 90.0) == (old["runningTaskCount"], old["requestedProductionTrafficWeight"])


def test_a_rollback_during_the_clean_up_starts_the_old_tasks_before_it_moves_traffic(
    stage: Stage,
) -> None:
    rollout = stage.begin(2)
    stage.until("CLEAN_UP")
    stage.scheduler.stop_deployment(stage.service, rollout, abort=False)
    stage.step()

    assert ("ROLLBACK_IN_PROGRESS", "SCALE_UP") == (rollout.status, rollout.step.stage)
    assert {"blue": 100, "green": 0} == stage.rules.weights["production"]
    assert stage.finish().status == "ROLLBACK_SUCCESSFUL"
    assert {"blue": 0, "green": 100} == stage.rules.weights["production"]
    assert ["td:1", "td:1"] == stage.running()


def test_a_rollback_keeps_how_many_tasks_are_wanted(stage: Stage) -> None:
    stage.service.request["desiredCount"] = 3
    rollout = stage.begin(2)
    stage.until("BAKE_TIME")
    stage.scheduler.stop_deployment(stage.service, rollout, abort=False)
    stage.finish()

    assert ["td:1"] * 3 == stage.running()
    assert stage.service.request["taskDefinition"] == "td:1"


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to() -> None:
    stage = Stage()
    rollout = stage.begin(1)
    stage.until("BAKE_TIME")
    stage.scheduler.stop_deployment(stage.service, rollout, abort=False)
    stage.finish()

    assert rollout.status == "ROLLBACK_FAILED"
    assert [] == stage.describe(rollout)["sourceServiceRevisions"]
    assert rollout.reason.endswith("No rollback candidate was found to run the rollback.")
    assert [] == stage.running()


def test_a_newer_deployment_takes_the_place_of_one_under_way(stage: Stage) -> None:
    first = stage.begin(2)
    stage.until("POST_SCALE_UP")
    second = stage.begin(3)

    assert ("STOPPED", "RECONCILE_SERVICE") == (first.status, second.step.stage)
    assert stage.finish().status == "SUCCESSFUL"
    assert ["td:3", "td:3"] == stage.running()


def test_one_that_is_only_cleaning_up_is_complete_when_a_newer_one_begins(stage: Stage) -> None:
    first = stage.begin(2)
    stage.until("CLEAN_UP")
    second = stage.begin(3)

    assert first.status == "SUCCESSFUL"
    assert second.old is first.new
    assert stage.finish().status == "SUCCESSFUL"


def test_an_aborted_deployment_leaves_both_revisions_and_the_traffic_as_they_are(stage: Stage) -> None:
    rollout = stage.begin(2)
    stage.until("BAKE_TIME")
    stage.scheduler.stop_deployment(stage.service, rollout, abort=True)
    for _ in range(5):
        stage.step(1)

    assert rollout.status == "STOPPED"
    assert ["td:1", "td:1", "td:2", "td:2"] == stage.running()
    assert {"blue": 100, "green": 0} == stage.rules.weights["production"]


def test_a_server_that_was_killed_in_the_middle_rolls_the_deployment_back(stage: Stage) -> None:
    rollout = stage.begin(2)
    stage.until("BAKE_TIME")
    stage.scheduler.fleet.runs.clear()
    stage.scheduler.blue_green.resume(stage.service, stage.now)

    assert stage.finish().status == "ROLLBACK_SUCCESSFUL"
    assert rollout.reason == (
        "Service deployment rolled back because the local AWS ended in the middle of it."
    )
    assert ["td:1", "td:1"] == stage.running()
    assert {"blue": 0, "green": 100} == stage.rules.weights["production"]


def test_a_stage_with_nothing_to_wait_for_can_be_seen_for_a_moment(stage: Stage) -> None:
    stage.begin(2)
    stage.until("POST_SCALE_UP")

    assert stage.scheduler.pause() == pytest.approx(STAGE_SECONDS + LATE_SECONDS)


def test_a_stage_that_is_held_is_not_left_before_it_is_let_go_but_by_a_rollback(stage: Stage) -> None:
    stage.held = "TEST_TRAFFIC_SHIFT"
    rollout = stage.begin(2)
    stage.until("TEST_TRAFFIC_SHIFT")
    stage.step(5)
    held = rollout.step.stage
    stage.held = ""
    released = stage.finish().status
    stage.held = "PRODUCTION_TRAFFIC_SHIFT"
    stage.begin(3)
    stage.until("PRODUCTION_TRAFFIC_SHIFT")
    stage.service.rollouts[0].stop_requested = True

    assert ("TEST_TRAFFIC_SHIFT", "SUCCESSFUL") == (held, released)
    assert "ROLLBACK_SUCCESSFUL" == stage.finish().status


def test_the_end_of_the_bake_is_waited_for_exactly(stage: Stage) -> None:
    rollout = stage.begin(2)
    stage.until("BAKE_TIME")
    stage.now = rollout.entered_at + 59.75

    assert stage.scheduler.pause() == pytest.approx(0.25 + LATE_SECONDS)


def test_the_end_of_a_hooks_time_is_waited_for_exactly(stage: Stage) -> None:
    rollout = stage.begin(2, lifecycleHooks=GATE)
    stage.until("PRE_SCALE_UP")
    stage.now = rollout.hooks[0].expires_at - 0.25

    assert stage.scheduler.pause() == pytest.approx(0.25 + LATE_SECONDS)


def test_alarms_are_looked_at_every_half_second_during_the_bake(stage: Stage) -> None:
    stage.begin(2)
    stage.until("BAKE_TIME")
    stage.now += 10

    assert stage.scheduler.pause() == LOOK_SECONDS


def test_a_new_service_is_there_when_the_scheduler_is_woken(stage: Stage) -> None:
    stage.scheduler.services.clear()
    stage.begin(2)

    assert [stage.service] == list(stage.scheduler.services.values())


def test_trouble_with_the_load_balancer_rolls_back_before_a_task_starts(stage: Stage) -> None:
    stage.rules.trouble = "of invalid networking configuration."
    rollout = stage.released(2)

    assert rollout.status == "ROLLBACK_SUCCESSFUL"
    assert rollout.reason == "Service deployment rolled back because of invalid networking configuration."
    assert all(task.definition_arn == "td:1" for task in stage.scheduler.fleet.tasks())


def test_an_alarm_that_rings_already_at_the_start_turns_the_alarms_off(stage: Stage) -> None:
    stage.in_alarm = ["errors"]
    rollout = stage.begin(2, alarms={"alarmNames": ["errors", "hosts"], "enable": True, "rollback": True})
    stage.until("BAKE_TIME")
    stage.in_alarm = ["errors", "hosts"]

    assert stage.finish().status == "SUCCESSFUL"
    assert stage.describe(rollout)["alarms"]["status"] == "DISABLED"


def test_an_alarm_during_the_shift_rolls_back(stage: Stage) -> None:
    rollout = stage.begin(2, alarms={"alarmNames": ["errors"], "enable": True, "rollback": True})
    stage.until("PRODUCTION_TRAFFIC_SHIFT")
    stage.in_alarm = ["errors"]

    assert stage.finish().status == "ROLLBACK_SUCCESSFUL"
    assert ("TRIGGERED", ["errors"]) == (
        stage.describe(rollout)["alarms"]["status"],
        stage.describe(rollout)["alarms"]["triggeredAlarmNames"],
    )


def test_tasks_that_crash_do_not_trip_a_circuit_breaker(stage: Stage) -> None:
    breaker = {"enable": True, "rollback": True}
    rollout = stage.begin(2, deploymentCircuitBreaker=breaker)
    stage.until("SCALE_UP")
    for _ in range(6):
        stage.scheduler.step(stage.service)
        for task in stage.scheduler.fleet.tasks():
            if task.definition_arn == "td:2":
                task.stop("EssentialContainerExited", "Essential container in task exited", 0)
                task.last_status = "STOPPED"
        stage.now += 3600

    assert rollout.status == "IN_PROGRESS"
    assert stage.describe(rollout)["deploymentCircuitBreaker"]["failureCount"] >= 6
    assert stage.describe(rollout)["deploymentCircuitBreaker"]["status"] == "DISABLED"


class TestAnswers:
    """ContinueServiceDeployment and StopServiceDeployment."""

    def waiting(self, stage: Stage) -> tuple[ServiceDeployment, str]:
        rollout = stage.begin(2, lifecycleHooks=GATE)
        stage.until("PRE_SCALE_UP")
        return rollout, stage.describe(rollout)["lifecycleHookDetails"][0]["hookId"]

    def proceed(self, stage: Stage, arn: str, hook: str, **more: str) -> None:
        stage.operations.proceed({"serviceDeploymentArn": arn, "hookId": hook, **more})

    def refused(self, stage: Stage, arn: str, hook: str, **more: str) -> tuple[str, str]:
        with pytest.raises(RefusedError) as error:
            self.proceed(stage, arn, hook, **more)
        return error.value.code, error.value.message

    @pytest.fixture
    def stage(self, stage: Stage) -> Stage:
        stage.now = 4e9  # hooks are answered by the real clock
        return stage

    def test_continue_is_what_an_answer_means_by_itself(self, stage: Stage) -> None:
        rollout, hook = self.waiting(stage)
        self.proceed(stage, rollout.arn, hook)

        assert stage.finish().status == "SUCCESSFUL"

    def test_a_hook_waits_until_its_time_is_over(self, stage: Stage) -> None:
        rollout, _ = self.waiting(stage)
        stage.step(1439)

        assert rollout.step.stage == "PRE_SCALE_UP"

        stage.step(1)

        assert rollout.reason == "Service deployment rolled back because PRE_SCALE_UP pause hook timed out."

    def test_a_hook_is_answered_once(self, stage: Stage) -> None:
        rollout, hook = self.waiting(stage)
        self.proceed(stage, rollout.arn, hook, action="CONTINUE")

        assert (
            "InvalidParameterException",
            "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN",
        ) == self.refused(stage, rollout.arn, hook)

    def test_a_deployment_that_was_asked_to_roll_back_takes_no_answer(self, stage: Stage) -> None:
        rollout, hook = self.waiting(stage)
        stage.operations.stop({"serviceDeploymentArn": rollout.arn})

        assert rollout.status == "ROLLBACK_REQUESTED"
        assert "Provided hookId is either completed" in self.refused(stage, rollout.arn, hook)[1]

    def test_a_made_up_hook_id_is_refused(self, stage: Stage) -> None:
        rollout, _ = self.waiting(stage)

        assert (
            "InvalidParameterException",
            "Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}",
        ) == self.refused(stage, rollout.arn, "mine")

    def test_an_ended_deployment_takes_no_answer_and_no_stop(self, stage: Stage) -> None:
        rollout, hook = self.waiting(stage)
        self.proceed(stage, rollout.arn, hook)
        stage.finish()

        assert self.refused(stage, rollout.arn, hook)[1] == (
            "Continuing a service deployment is not allowed for service deployment in terminal states."
        )
        with pytest.raises(RefusedError) as error:
            stage.operations.stop({"serviceDeploymentArn": rollout.arn})
        assert error.value.code == "ConflictException"

    def test_an_unknown_deployment_is_not_found(self, stage: Stage) -> None:
        assert (
            "ServiceDeploymentNotFoundException",
            "The service deployment does not exist.",
        ) == self.refused(stage, "arn:absent", "ecs-pause-x")
