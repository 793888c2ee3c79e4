"""The scheduler with tasks that only pretend: what it counts, says and rolls back."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from local_aws.ecs.deployments.scheduler import LATE_SECONDS, LOOK_SECONDS, REST_SECONDS, Scheduler
from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.service import Service
from local_aws.ecs.tasks.task import Task
from local_aws.elb.target_groups import TargetGroups
from local_aws.elb.target_health import HEALTHY, Health

GROUP = "arn:targetgroup/blue"
CLUSTER = "arn:aws:ecs:eu-west-1:000000000000:cluster/c"


def definition(revision: int) -> dict[str, Any]:
    return {
        "taskDefinitionArn": f"arn:td:{revision}",
        "family": "orders",
        "containerDefinitions": [{"name": "app", "image": "i", "essential": True}],
    }


class PretendedRun:
    """A task that runs when told to."""

    def __init__(self, task: Task, before_stop: Callable[[Task], None]) -> None:
        self.task = task
        self._before_stop = before_stop

    def start(self) -> None:
        pass

    def stop(self, code: str, reason: str) -> None:
        self.task.stop(code, reason, 0)
        self.end()

    def come_up(self, address: str) -> None:
        self.task.last_status, self.task.address, self.task.started_at = "RUNNING", address, 0.0

    def crash(self) -> None:
        self.task.stop("EssentialContainerExited", "Essential container in task exited", 0)
        self.end()

    def end(self) -> None:
        self._before_stop(self.task)
        self.task.last_status, self.task.stopped_at = "STOPPED", 0.0


class NoTraffic:
    """A rolling deployment moves no traffic."""

    def serving(self, rule: str) -> list[str]:
        raise AssertionError(rule)

    def move(self, rule: str, weights: Mapping[str, int]) -> None:
        raise AssertionError(rule, weights)

    def problem(self, load_balancer: Mapping[str, Any]) -> str:
        raise AssertionError(load_balancer)


class Stage:
    """A service of two tasks behind one target group; `now` is seconds."""

    def __init__(self, *, breaker: bool = True) -> None:
        self.now = 100.0
        self.looked_at: list[str] = []
        self.groups = TargetGroups(lambda: self.now)
        self.scheduler = Scheduler(
            self.groups,
            lambda _: 20.0,
            lambda task, before_stop, _: PretendedRun(task, before_stop),  # type: ignore[arg-type,return-value]
            traffic=NoTraffic(),
            alarms=lambda _: [],
            minute_seconds=60,
            within=self.within,
            clock=lambda: self.now,
        )
        request = {
            "desiredCount": 2,
            "healthCheckGracePeriodSeconds": 30,
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker}},
            "taskDefinition": "arn:td:1",
        }
        self.service = Service("orders", "arn:service", CLUSTER, request, self.now)
        self.scheduler.services[self.service.arn] = self.service

    def within(self, service: Service) -> AbstractContextManager[None]:
        self.looked_at.append(service.arn)
        return nullcontext()

    def release(self, revision: int) -> TaskSet:
        settings = {
            "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 8080}]
        }
        return self.scheduler.deploy(self.service, definition(revision), settings)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.scheduler.step(self.service)

    def runs(self) -> list[Any]:
        """The tasks that are not stopped."""
        return [run for run in self.scheduler.fleet.runs.values() if not run.task.is_over]

    def come_up(self) -> None:
        """Everything that was started runs and is healthy."""
        for number, run in enumerate(self.runs()):
            if run.task.last_status == "PROVISIONING":
                run.come_up(f"10.0.{len(self.scheduler.fleet.runs)}.{number}")
        self.step()
        self.targets_become(HEALTHY)

    def targets_become(self, health: Health) -> None:
        for target in self.groups.targets(GROUP):
            self.groups.update(target, lambda _: health)

    def messages(self) -> list[str]:
        return [one["message"] for one in reversed(self.service.events)]


@pytest.fixture
def stage() -> Stage:
    """Revision 1, steady."""
    made = Stage()
    made.release(1)
    made.step()
    made.come_up()
    made.step()
    return made


def test_a_first_deployment_says_what_it_does_in_the_words_of_ecs(stage: Stage) -> None:
    first, second = (run.task.id for run in stage.runs())

    assert [
        f"(service orders) has started 2 tasks: (task {first}) (task {second}).",
        f"(service orders) registered 2 targets in (target-group {GROUP})",
        f"(service orders) (deployment {stage.service.primary.id}) deployment completed.",
        "(service orders) has reached a steady state.",
    ] == stage.messages()


def test_a_release_replaces_all_tasks_and_is_completed(stage: Stage) -> None:
    old = {run.task.id for run in stage.runs()}
    deployment = stage.release(2)
    stage.step()

    assert len(stage.runs()) == 4

    stage.come_up()
    stage.step(2)

    assert deployment.rollout_state == "COMPLETED"
    assert old.isdisjoint(run.task.id for run in stage.runs())
    assert [deployment] == stage.service.deployments


def test_three_crashes_trip_the_breaker_and_the_stable_deployment_is_primary_again(stage: Stage) -> None:
    stable = stage.service.primary
    failed = stage.release(2)
    for _ in range(3):
        stage.step()
        for run in stage.runs():
            if run.task.started_by == failed.id:
                run.crash()
    stage.step(2)

    assert ("FAILED", "ECS deployment circuit breaker: tasks failed to start.") == (
        failed.rollout_state,
        failed.rollout_reason,
    )
    assert [stable] == stage.service.deployments
    assert stage.service.request["taskDefinition"] == "arn:td:1"
    assert len(stage.runs()) == 2
    assert f"(service orders) rolling back to deployment {stable.id}." in stage.messages()


def test_without_a_breaker_a_crashing_release_is_tried_more_and_more_slowly() -> None:
    stage = Stage(breaker=False)
    deployment = stage.release(1)
    for _ in range(3):
        stage.step()
        for run in stage.runs():
            run.crash()
    stage.step()
    started = len(stage.scheduler.fleet.runs)
    stage.now += 1
    stage.step()

    assert started == len(stage.scheduler.fleet.runs)
    assert deployment.rollout_state == "IN_PROGRESS"

    stage.now += 16 * 60
    stage.step()

    assert len(stage.scheduler.fleet.runs) > started


def test_a_task_that_became_healthy_ends_the_row_of_failures(stage: Stage) -> None:
    deployment = stage.service.primary
    stage.runs()[0].crash()
    stage.step()
    for run in stage.runs():
        if run.task.last_status == "PROVISIONING":
            run.crash()
    stage.step()

    assert deployment.failed_tasks == 1

    stage.come_up()
    stage.step()

    assert deployment.failed_tasks == 0


def test_an_unhealthy_target_is_tolerated_during_the_grace_period_and_replaced_after(stage: Stage) -> None:
    stage.release(2)
    stage.step()
    sick = [run for run in stage.runs() if run.task.last_status == "PROVISIONING"]
    for number, run in enumerate(sick):
        run.come_up(f"10.9.0.{number}")
        run.task.started_at = stage.now
    stage.step()
    for target in stage.groups.targets(GROUP):
        if target.id.startswith("10.9."):
            stage.groups.update(target, lambda _: Health("unhealthy", "Target.Timeout", "Request timed out"))
    stage.now += 29
    stage.step()

    assert not any(run.task.is_over for run in sick)

    stage.now += 1
    stage.step()

    words = f"Task failed ELB health checks in (target-group {GROUP}) due to (reason Request timed out)"
    assert [words] * 2 == [run.task.stopped_reason for run in sick]


def test_a_task_whose_container_turns_unhealthy_is_replaced(stage: Stage) -> None:
    sick = stage.runs()[0]
    sick.task.containers[0].has_health_check = True
    sick.task.containers[0].health = "UNHEALTHY"
    stage.step(2)

    assert sick.task.stopped_reason == "Task failed container health checks"
    assert len(stage.runs()) == 2


def test_a_deleted_service_is_inactive_once_its_tasks_are_gone(stage: Stage) -> None:
    stage.service.status = "DRAINING"
    stage.service.request["desiredCount"] = 0
    stage.step()

    assert [] == stage.runs()

    stage.step()

    assert stage.service.status == "INACTIVE"


def test_a_service_that_is_restored_starts_its_tasks_anew(stage: Stage) -> None:
    kept = stage.scheduler.kept()
    later = Stage()
    later.scheduler.restore(kept)
    later.service = next(iter(kept.values()))
    later.step()

    assert len(later.runs()) == 2
    assert later.service.stable is later.service.primary


def test_a_service_is_looked_at_in_its_own_region() -> None:
    stage = Stage()
    stage.release(1)
    stage.scheduler.step(stage.service)

    assert [stage.service.arn] == stage.looked_at


def test_a_target_whose_health_changes_wakes_the_scheduler() -> None:
    groups, woken = TargetGroups(lambda: 0.0), []
    groups.changed = lambda: woken.append("woken")
    groups.register(GROUP, "10.0.0.1", 8080)
    for health in (HEALTHY, HEALTHY, Health("unhealthy")):
        groups.update(groups.targets(GROUP)[0], lambda _, health=health: health)  # type: ignore[misc]

    assert ["woken", "woken"] == woken


def test_a_scheduler_hears_of_its_targets_health(stage: Stage) -> None:
    assert stage.groups.changed == stage.scheduler.wake


def test_a_service_at_rest_is_looked_at_every_few_seconds(stage: Stage) -> None:
    stage.now += 3600

    assert stage.scheduler.pause() == REST_SECONDS


def test_the_end_of_a_tasks_grace_period_is_waited_for_exactly(stage: Stage) -> None:
    stage.now += 3600
    for run in stage.runs():
        run.task.started_at = stage.now - 28

    assert stage.scheduler.pause() == pytest.approx(2 + LATE_SECONDS)


def test_a_task_that_is_held_back_after_failures_is_waited_for_exactly(stage: Stage) -> None:
    stage.now += 3600
    stage.service.primary.held_until = stage.now + 3

    assert stage.scheduler.pause() == pytest.approx(3 + LATE_SECONDS)


def test_a_deployment_that_waits_for_its_tasks_is_looked_at_every_half_second(stage: Stage) -> None:
    stage.release(2)
    stage.now += 3600

    assert stage.scheduler.pause() == LOOK_SECONDS
