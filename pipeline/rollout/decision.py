"""The next step of a rollout: pure judgement, without any AWS call.

The order of the stages, and which of them ECS repeats for LINEAR and CANARY:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""

from dataclasses import dataclass
from enum import Enum

from pipeline.aws.service_deployment import Hook, ServiceDeployment

MIGRATION_GATE = "PRE_SCALE_UP"
TEST_GATE = "POST_TEST_TRAFFIC_SHIFT"
# ROLLING has no stages: there ECS's circuit breaker ends a rollout that never becomes healthy.
_BEFORE_HEALTHY = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP"})
_TRAFFIC = frozenset(
    {"PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"}
)


class Do(Enum):
    """What the pipeline does now."""

    WAIT = "wait"
    MIGRATE = "run the migration, then answer"
    TEST = "test the new version, then answer"
    CONTINUE = "answer CONTINUE"
    ROLL_BACK = "stop the rollout and roll back"
    NOTHING_MORE = "the rollout has ended"


@dataclass(frozen=True)
class Limits:
    """When a rollout is given up. healthy_seconds: until all new tasks run and are healthy.
    probe_errors: failed requests of the production probe that speak against the new version.
    """

    healthy_seconds: float = 900.0
    probe_errors: int = 3


@dataclass(frozen=True)
class Seen:
    """What the judgement rests on besides the deployment itself.

    scaling_seconds: since SCALE_UP was first seen, 0 before. probe_errors: recent failed requests that speak
    against the new version. stack_rolls_back: CloudFormation puts the version before back, which no gate may
    refuse. straight: somebody asked for no migration and no test.
    """

    scaling_seconds: float = 0.0
    probe_errors: int = 0
    stack_rolls_back: bool = False
    straight: bool = False


@dataclass(frozen=True)
class Step:
    """What to do, why, and the hook to answer."""

    do: Do
    why: str = ""
    hook: Hook | None = None


def judge(deployment: ServiceDeployment, seen: Seen, limits: Limits) -> Step:
    """The step that the deployment asks for as it is now."""
    if not deployment.under_way:
        return Step(Do.NOTHING_MORE, deployment.why)
    if deployment.status != "IN_PROGRESS":
        return Step(Do.WAIT)
    hook = next((hook for hook in deployment.hooks if hook.waits_for_an_answer), None)
    if hook is not None and deployment.stage in (MIGRATION_GATE, TEST_GATE):
        return _at_a_gate(deployment.stage, hook, seen)
    if seen.stack_rolls_back:
        return Step(Do.WAIT)
    return _under_way(deployment, seen, limits)


def counts_errors(deployment: ServiceDeployment) -> bool:
    """Whether a failed production request may speak against the new version. In the first deployment of a
    service, the load balancer has no target until the traffic has shifted.
    """
    if deployment.status != "IN_PROGRESS" or not (deployment.rolling or deployment.stage in _TRAFFIC):
        return False
    return not deployment.is_the_first or deployment.stage == "BAKE_TIME"


def _at_a_gate(stage: str, hook: Hook, seen: Seen) -> Step:
    if seen.stack_rolls_back:
        return Step(Do.CONTINUE, "the stack rolls back to what served before", hook)
    if seen.straight:
        return Step(Do.CONTINUE, "--straight: neither migrated nor tested", hook)
    return Step(Do.MIGRATE if stage == MIGRATION_GATE else Do.TEST, hook=hook)


def _under_way(deployment: ServiceDeployment, seen: Seen, limits: Limits) -> Step:
    if deployment.stage in _TRAFFIC and deployment.alarm_status == "TRIGGERED":
        names = ", ".join(deployment.triggered_alarms) or "an alarm"
        return Step(Do.ROLL_BACK, f"{names} went into ALARM in {deployment.stage}")
    if counts_errors(deployment) and seen.probe_errors >= limits.probe_errors:
        return Step(
            Do.ROLL_BACK,
            f"{seen.probe_errors} requests of the production probe failed; "
            f"{limits.probe_errors} are too many",
        )
    if deployment.stage in _BEFORE_HEALTHY and seen.scaling_seconds > limits.healthy_seconds:
        return Step(
            Do.ROLL_BACK,
            f"{deployment.running} of {deployment.requested} tasks of the new version run, and it was not "
            f"healthy within {limits.healthy_seconds:.0f} s",
        )
    return Step(Do.WAIT)
