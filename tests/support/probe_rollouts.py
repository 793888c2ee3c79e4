"""Service deployments as these tests see and answer them while a stack waits."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.support.probe_service import Aws, eventually

Rollout = dict[str, Any]


def rollout(aws: Aws) -> Rollout:
    """The newest service deployment of the probe, {} when there is none yet."""
    ecs = aws.client("ecs")
    try:
        found = ecs.list_service_deployments(cluster="probe", service="probe")["serviceDeployments"]
    except ClientError:
        return {}
    arns = [one["serviceDeploymentArn"] for one in found[:1]]
    described = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    newest: Rollout = described[0] if described else {}
    return newest


def reaches(aws: Aws, stage: str, status: str = "IN_PROGRESS") -> Rollout:
    """Wait until the newest service deployment is in a stage."""

    def there() -> Rollout | None:
        found = rollout(aws)
        return found if (found.get("lifecycleStage"), found.get("status")) == (stage, status) else None

    there_now: Rollout = eventually(stage, there, timeout=180)
    return there_now


def begin(aws: Aws, **parameters: str) -> "Future[str]":
    """Deploy on a thread; the result is the status that the stack ends in."""
    executor = ThreadPoolExecutor(1)
    future = executor.submit(aws.deploy, **parameters)
    executor.shutdown(wait=False)
    return future


def answer(aws: Aws, found: Rollout, action: str) -> None:
    """Answer the pause hooks that wait."""
    for hook in found.get("lifecycleHookDetails", []):
        if hook["status"] == "AWAITING_ACTION":
            aws.client("ecs").continue_service_deployment(
                serviceDeploymentArn=found["serviceDeploymentArn"], hookId=hook["hookId"], action=action
            )


class Gate:
    """Answers every pause hook while entered: CONTINUE, or what `actions` says for its stage; None: nothing.

    stages: those that were seen, in order; look(rollout) is called whenever a hook waits, before the answer.
    """

    def __init__(
        self,
        aws: Aws,
        actions: Mapping[str, str | None] | None = None,
        look: Callable[[Rollout], None] = lambda _: None,
    ) -> None:
        self._aws = aws
        self._actions = actions or {}
        self._look = look
        self.stages: list[str] = []

    def __enter__(self) -> "Gate":
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopped.wait(0.1):
            found = rollout(self._aws)
            if found.get("status") != "IN_PROGRESS":
                continue
            stage = found["lifecycleStage"]
            if self.stages[-1:] != [stage]:
                self.stages.append(stage)
            action = self._actions.get(stage, "CONTINUE")
            if any(h["status"] == "AWAITING_ACTION" for h in found.get("lifecycleHookDetails", [])):
                self._look(found)
                if action is not None:
                    answer(self._aws, found, action)
