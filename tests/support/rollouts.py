"""The rollouts of a clone's service, asked past the pipeline: of ECS itself, as the local AWS has it."""

import re
import time
from collections.abc import Callable
from typing import Any

import boto3

from tests.support.clone import Clone
from tests.support.fake_rollout import STAGES


class Rollouts:
    """The service of `orders` in the local AWS of a clone."""

    def __init__(self, clone: Clone) -> None:
        self._url = endpoint_of(clone)
        cloudformation = self.client("cloudformation")
        found = cloudformation.describe_stack_resources(StackName="orders-local-ecs-stack")["StackResources"]
        self._service = next(r["PhysicalResourceId"] for r in found if r["LogicalResourceId"] == "Service")
        self._ecs, self._cloudformation = self.client("ecs"), cloudformation

    def client(self, service: str) -> Any:
        words = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        return boto3.client(service, endpoint_url=self._url, **words)

    def newest_rollout(self) -> dict[str, Any]:
        return self._described(max(self._listed(), key=lambda one: one["createdAt"]))

    def failed_rollout(self, begun: float) -> dict[str, Any]:
        """The rollout that began after `begun` (Unix time) and was rolled back."""
        found = [one for one in self._listed() if one["createdAt"].timestamp() >= begun]
        failed = [one for one in found if one["status"].startswith("ROLLBACK")]
        assert failed, [one["status"] for one in found]
        return self._described(failed[0])

    def ring_an_alarm(self) -> None:
        cloudwatch = self.client("cloudwatch")
        alarm = cloudwatch.describe_alarms(AlarmNamePrefix="orders-local")["MetricAlarms"][0]["AlarmName"]
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")

    def leave_a_second_revision(self) -> None:
        """Begin a rollout by hand and abort it once its tasks run, for the next one to reconcile."""
        cluster = self._service.split("/")[1]
        begun = time.time()
        self._ecs.update_service(cluster=cluster, service=self._service, forceNewDeployment=True)
        self.wait_for_a_rollout_in("PRE_SCALE_UP", begun)
        rollout = self.newest_rollout()
        self._wait(lambda: bool(self._waiting_hooks(rollout)), pause=0.05)
        name = rollout["serviceDeploymentArn"]
        for hook in self._waiting_hooks(rollout):
            self._ecs.continue_service_deployment(
                serviceDeploymentArn=name, hookId=hook["hookId"], action="CONTINUE"
            )
        self.wait_for_a_rollout_in("POST_TEST_TRAFFIC_SHIFT", begun)
        self._ecs.stop_service_deployment(serviceDeploymentArn=name, stopType="ABORT")
        self.wait_for_rest()

    def wait_for_a_rollout_in(self, stage: str, begun: float) -> str:
        """The stage that a rollout begun since `begun` (Unix time) is in: this one, or a later one where this
        machine was too busy to see it in time.
        """
        late = STAGES[STAGES.index(stage) :]
        self._wait(lambda: self.newest_rollout()["createdAt"].timestamp() >= begun, pause=0.02)
        rollout = self.newest_rollout()
        self._wait(lambda: self._described(rollout).get("lifecycleStage") in late, pause=0.01)
        return str(self._described(rollout)["lifecycleStage"])

    def wait_for_rest(self) -> None:
        """Until ECS and CloudFormation are done with the rollout."""

        def at_rest() -> bool:
            stacks = self._cloudformation.describe_stacks(StackName="orders-local-ecs-stack")["Stacks"]
            return not stacks[0]["StackStatus"].endswith("_IN_PROGRESS") and (
                "finishedAt" in self.newest_rollout()
            )

        self._wait(at_rest, pause=0.5)

    def _listed(self) -> list[dict[str, Any]]:
        cluster = self._service.split("/")[1]
        answer = self._ecs.list_service_deployments(service=self._service, cluster=cluster)
        return list(answer["serviceDeployments"])

    def _described(self, one: dict[str, Any]) -> dict[str, Any]:
        described = self._ecs.describe_service_deployments(
            serviceDeploymentArns=[one["serviceDeploymentArn"]]
        )
        return dict(described["serviceDeployments"][0])

    def _waiting_hooks(self, rollout: dict[str, Any]) -> list[dict[str, Any]]:
        hooks = self._described(rollout).get("lifecycleHookDetails", [])
        return [hook for hook in hooks if hook["status"] == "AWAITING_ACTION"]

    @staticmethod
    def _wait(true: Callable[[], bool], *, pause: float, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"still not so after {seconds:.0f} s"
            time.sleep(pause)


def endpoint_of(clone: Clone) -> str:
    """The address of the clone's local AWS."""
    return re.findall(r"http://localhost:\d+", clone.pipeline("local", "status").output)[0]


def seconds_of_rollback(rollout: dict[str, Any]) -> float:
    """From ECS's decision to the end of the rollback."""
    return float((rollout["finishedAt"] - rollout["rollback"]["startedAt"]).total_seconds())
