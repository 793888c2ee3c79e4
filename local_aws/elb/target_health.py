"""The health of one target as a load balancer sees it: a value, and what each health check makes of it.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

DESCRIPTIONS = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.Timeout": "Request timed out",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.HealthCheckDisabled": "Health checks are not enabled for this target",
}


@dataclass(frozen=True)
class HealthCheck:
    """How a target group checks its targets; interval and timeout are seconds.

    port: None stands for the target's own port ("traffic-port").
    """

    path: str = "/"
    port: int | None = None
    matcher: str = "200"
    interval: float = 30
    timeout: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    enabled: bool = True

    def accepts(self, status: int) -> bool:
        """Whether an HTTP status is a success code of the matcher, such as "200", "200,302" or "200-299"."""
        for part in self.matcher.split(","):
            first, _, last = part.strip().partition("-")
            if int(first) <= status <= int(last or first):
                return True
        return False


def health_check_of(target_group: Mapping[str, Any]) -> HealthCheck:
    """The health check that a target group describes."""
    port = str(target_group["HealthCheckPort"])
    return HealthCheck(
        path=target_group["HealthCheckPath"],
        port=None if port == "traffic-port" else int(port),
        matcher=str(target_group["Matcher"]["HttpCode"]),
        interval=float(target_group["HealthCheckIntervalSeconds"]),
        timeout=float(target_group["HealthCheckTimeoutSeconds"]),
        healthy_threshold=int(target_group["HealthyThresholdCount"]),
        unhealthy_threshold=int(target_group["UnhealthyThresholdCount"]),
        enabled=bool(target_group["HealthCheckEnabled"]),
    )


@dataclass(frozen=True)
class Outcome:
    """What one health check found: healthy, or AWS's reason code and description."""

    reason: str = ""
    description: str = ""

    @property
    def healthy(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Health:
    """State of a target: initial, healthy, unhealthy, draining or unused, with AWS's reason.

    successes, failures: in a row; last_counted: when the last failure was counted, in seconds.
    """

    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    description: str = DESCRIPTIONS["Elb.RegistrationInProgress"]
    successes: int = 0
    failures: int = 0
    last_counted: float = float("-inf")


HEALTHY = Health("healthy", "", "")
DRAINING = Health(
    "draining", "Target.DeregistrationInProgress", DESCRIPTIONS["Target.DeregistrationInProgress"]
)
UNUSED = Health("unused", "Target.NotInUse", DESCRIPTIONS["Target.NotInUse"])


def after(health: Health, outcome: Outcome, check: HealthCheck, now: float) -> Health:
    """The health after one more check; `now` is seconds on any steady clock.

    A new target is healthy after one success. It is asked every half second until then, as several load
    balancer nodes would, but failures count once per interval: the unhealthy threshold keeps its length.
    """
    if health.state in ("draining", "unused"):
        return health
    if outcome.healthy:
        needed = check.healthy_threshold if health.state == "unhealthy" else 1
        if health.successes + 1 >= needed:
            return replace(HEALTHY, successes=min(health.successes + 1, needed))
        return replace(health, successes=health.successes + 1, failures=0)
    counted = now - health.last_counted >= check.interval * 0.9 or health.state != "initial"
    failures = health.failures + counted
    last = now if counted else health.last_counted
    if health.state != "unhealthy" and failures < check.unhealthy_threshold:
        if health.state == "initial":
            reason = "Elb.InitialHealthChecking"
            return Health("initial", reason, DESCRIPTIONS[reason], 0, failures, last)
        return replace(health, successes=0, failures=failures, last_counted=last)
    return Health("unhealthy", outcome.reason, outcome.description, 0, failures, last)


def pause(health: Health, check: HealthCheck) -> float:
    """Seconds until the next check."""
    return min(0.5, check.interval) if health.state == "initial" else check.interval
