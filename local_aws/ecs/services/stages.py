"""The stages of a service deployment that moves traffic, and what comes next: pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from local_aws.ecs.services.pause_hooks import Hook
from local_aws.shapes import DeploymentConfiguration

STAGE_LIMIT_MINUTES = 1440.0
DEFAULT_BAKE_MINUTES = 15
# Alarms count from the first task of the new revision until the old revision's tasks are removed.
WATCHED = (
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
)


@dataclass(frozen=True)
class Step:
    """A stage. minutes: the stage lasts at least this long.

    percent: the new revision's share of production traffic from this stage on, None for no change.
    """

    stage: str
    percent: float | None = None
    minutes: float = 0.0


class Move(Enum):
    WAIT = "wait"
    NEXT = "next"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class View:
    """A service deployment at one moment. minutes: since the stage began.

    ready: the tasks that the stage starts are healthy, and the tasks that the stage stops are gone. alarms:
    the names of alarms that went into ALARM since the start. problem: why ECS cannot go on, in its words.
    stop: a user has asked for a rollback.
    """

    step: Step
    minutes: float = 0.0
    ready: bool = True
    hooks: Sequence[Hook] = ()
    alarms: Sequence[str] = ()
    problem: str = ""
    stop: bool = False
    rolling_back: bool = False


@dataclass(frozen=True)
class Verdict:
    move: Move
    reason: str = ""


def steps_of(configuration: DeploymentConfiguration, *, reconcile: bool) -> tuple[Step, ...]:
    """The stages of a deployment in order. reconcile: more than one revision is active at the start."""
    before = ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"]
    bake = configuration.get("bakeTimeInMinutes")
    return (
        *([Step("RECONCILE_SERVICE")] if reconcile else []),
        *(Step(stage) for stage in before),
        *(
            step
            for percent, minutes in shifts_of(configuration)
            for step in (
                Step("PRE_PRODUCTION_TRAFFIC_SHIFT"),
                Step("PRODUCTION_TRAFFIC_SHIFT", percent, minutes),
            )
        ),
        Step("POST_PRODUCTION_TRAFFIC_SHIFT"),
        Step("BAKE_TIME", minutes=float(DEFAULT_BAKE_MINUTES if bake is None else bake)),
        Step("CLEAN_UP"),
    )


def shifts_of(configuration: DeploymentConfiguration) -> list[tuple[float, float]]:
    """The shifts of production traffic: the new revision's percentage, and the minutes after the shift."""
    if configuration["strategy"] == "CANARY":
        canary = configuration.get("canaryConfiguration") or {}
        first = float(canary.get("canaryPercent", 5.0))
        minutes = float(canary.get("canaryBakeTimeInMinutes", 10))
        return [(first, minutes), (100.0, 0.0)] if first < 100 else [(100.0, 0.0)]
    if configuration["strategy"] == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        size = float(linear.get("stepPercent", 10.0))
        minutes = float(linear.get("stepBakeTimeInMinutes", 6))
        shifts, percent = [], size
        while percent < 100:
            shifts.append((round(percent, 1), minutes))
            percent += size
        return [*shifts, (100.0, 0.0)]
    return [(100.0, 0.0)]


def rollback_steps(*, old_is_gone: bool, old_exists: bool = True) -> tuple[Step, ...]:
    """The stages of a rollback: restore the old revision's tasks, move traffic back, remove the new tasks."""
    if not old_exists:
        return (Step("CLEAN_UP"),)
    return (
        *([Step("SCALE_UP")] if old_is_gone else []),
        Step("PRODUCTION_TRAFFIC_SHIFT", 0.0),
        Step("CLEAN_UP"),
    )


def weights(percent: float) -> tuple[int, int]:
    """The weights of the new and the old revision's target group: whole numbers up to 999."""
    scale = 1 if percent == int(percent) else 10
    return round(percent * scale), round((100 - percent) * scale)


def judge(view: View) -> Verdict:
    """What a service deployment does next, with the reason for a rollback in ECS's words.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html
    """
    if not view.rolling_back and (reason := _reason_to_roll_back(view)):
        return Verdict(Move.ROLL_BACK, f"Service deployment rolled back because {reason}")
    if any(hook.status == "AWAITING_ACTION" for hook in view.hooks):
        return Verdict(Move.WAIT)
    if not view.ready or view.minutes < view.step.minutes:
        return Verdict(Move.WAIT)
    return Verdict(Move.NEXT)


def _reason_to_roll_back(view: View) -> str:
    stage = view.step.stage
    if view.stop:
        return "a rollback was requested by StopServiceDeployment."
    if view.problem:
        return view.problem
    for hook in view.hooks:
        if hook.status == "FAILED":
            return f"{stage} pause hook was rolled back by ContinueServiceDeployment."
        if hook.status == "TIMED_OUT" and hook.timeout_action == "ROLLBACK":
            return f"{stage} pause hook timed out."
    if view.alarms and stage in WATCHED:
        return alarm_words(view.alarms)
    if not view.ready and view.minutes >= STAGE_LIMIT_MINUTES:
        return f"{stage} did not end within 24 hours."
    return ""


def alarm_words(names: Sequence[str]) -> str:
    """The part of a rollback's reason that names the alarms."""
    return f"CloudWatch alarm(s) {', '.join(names)} went into ALARM."
