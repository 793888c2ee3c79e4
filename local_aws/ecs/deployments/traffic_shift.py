"""Which target group a new revision gets, and how traffic moves between the two target groups.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
"""

from collections.abc import Mapping
from typing import Any, Protocol

from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.services.stages import weights
from local_aws.shapes import LoadBalancer

PRODUCTION, TEST = "productionListenerRule", "testListenerRule"


class Traffic(Protocol):
    """The listener rules of a deployment."""

    def serving(self, rule: str) -> list[str]: ...
    def move(self, rule: str, weights: Mapping[str, int]) -> None: ...
    def problem(self, load_balancer: LoadBalancer) -> str: ...


class TrafficShift:
    """Writes the weights of a service deployment into its listener rules."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def resolved(self, rollout: ServiceDeployment) -> dict[str, Any]:
        """The new revision's settings with the target group that the old revision does not use.

        Without an old revision, it is the target group without traffic of the production rule, as seen on
        AWS:
        https://github.com/go-to-k/cdk-real-drift/issues/1730
        """
        taken = {
            one.get("targetGroupArn")
            for one in (rollout.old.settings.get("loadBalancers") or [] if rollout.old else [])
        }
        balancers = []
        for one in rollout.new.settings.get("loadBalancers") or []:
            pair = _pair(one)
            busy = [group for group in pair if group in taken] or self._traffic.serving(
                one["advancedConfiguration"][PRODUCTION]
            )
            free = next((group for group in pair if group not in busy), pair[0])
            balancers.append({**one, "targetGroupArn": free})
        return {**rollout.new.settings, "loadBalancers": balancers}

    def production(self, rollout: ServiceDeployment, percent: float) -> None:
        """Send `percent` of the production traffic to the new revision."""
        self._move(rollout, PRODUCTION, percent)
        rollout.production_percent = percent

    def test(self, rollout: ServiceDeployment, percent: float) -> None:
        """Send `percent` of the test traffic to the new revision."""
        self._move(rollout, TEST, percent)
        rollout.test_percent = percent

    def problem(self, rollout: ServiceDeployment) -> str:
        """Why the deployment cannot begin, in ECS's words, "" when it can."""
        balancers = rollout.new.request.get("loadBalancers") or []
        return next(filter(None, map(self._traffic.problem, balancers)), "")

    def _move(self, rollout: ServiceDeployment, rule: str, percent: float) -> None:
        new, old = weights(percent)
        asked = rollout.new.request.get("loadBalancers") or []
        for one, resolved in zip(asked, rollout.new.settings.get("loadBalancers") or [], strict=True):
            if arn := one["advancedConfiguration"].get(rule):
                own = resolved["targetGroupArn"]
                other = next(group for group in _pair(one) if group != own)
                self._traffic.move(arn, {own: new, other: old})


def _pair(load_balancer: LoadBalancer) -> tuple[str, str]:
    advanced = load_balancer["advancedConfiguration"]
    return load_balancer["targetGroupArn"], advanced["alternateTargetGroupArn"]
