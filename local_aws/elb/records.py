"""The records of Elastic Load Balancing, and what AWS refuses, in its words.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from collections.abc import Iterable, Mapping

from local_aws.elb.rules import Condition, refusal, weighted_target_groups
from local_aws.emulator.records import Record
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Registry
from local_aws.shapes import Action

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
DEFAULT_DELAY_SECONDS = 300.0


class Records:
    """The records of load balancers, listeners, rules and target groups by ARN, and checks on them."""

    def __init__(self, registry: Registry) -> None:
        self.load_balancers = registry.records(LOAD_BALANCER)
        self.listeners = registry.records(LISTENER)
        self.rules = registry.records(RULE)
        self.target_groups = registry.records(TARGET_GROUP)
        self.attributes = registry.attributes(TARGET_GROUP)
        self.load_balancer_attributes = registry.attributes(LOAD_BALANCER)

    def check_rule(
        self,
        conditions: list[Condition],
        actions: Iterable[Action],
        listener: str,
        priority: str,
        own: str = "",
    ) -> None:
        """Raise RefusedError when AWS refuses this rule. own: the ARN of the rule that is modified."""
        if problem := refusal(conditions):
            raise RefusedError("ValidationError", problem)
        for action in actions:
            for arn, weight in weighted_target_groups(action):
                if arn not in self.target_groups:
                    raise RefusedError(
                        "TargetGroupNotFound", "One or more target groups not found", "NotFound"
                    )
                if not 0 <= weight <= 999:
                    raise RefusedError("ValidationError", f"Weight '{weight}' must be between 0 and 999")
        for rule in self.rules.values():
            if (
                rule["ListenerArn"] == listener
                and rule["RuleArn"] != own
                and rule["Priority"] == str(priority)
            ):
                raise RefusedError(
                    "PriorityInUse", f"Priority '{priority}' is currently in use", "AlreadyExists"
                )

    def users_of(self, group: str) -> list[str]:
        """The ARNs of the load balancers whose rules forward to the target group."""
        found = []
        for rule in self.rules.values():
            if any(arn == group for action in rule["Actions"] for arn, _ in weighted_target_groups(action)):
                load_balancer = self.listeners[rule["ListenerArn"]]["LoadBalancerArn"]
                found += [load_balancer] if load_balancer not in found else []
        return found

    def relink(self) -> None:
        """Write LoadBalancerArns into the record of every target group."""
        for arn, record in self.target_groups.items():
            record["LoadBalancerArns"] = self.users_of(arn)

    def delay(self, group: str) -> float:
        """The target group's deregistration delay in seconds."""
        seconds = _value(self.attributes, group, "deregistration_delay.timeout_seconds")
        return float(seconds or DEFAULT_DELAY_SECONDS)

    def check_deletion(self, load_balancer: str) -> None:
        """Raise RefusedError when the load balancer is protected against deletion."""
        if _value(self.load_balancer_attributes, load_balancer, "deletion_protection.enabled") == "true":
            raise RefusedError(
                "OperationNotPermitted",
                f"Load balancer '{load_balancer}' cannot be deleted because deletion protection is enabled",
            )


def _value(attributes: Mapping[str, list[Record]], arn: str, key: str) -> str:
    """The value of an attribute of a load balancer or a target group, "" when it was not set."""
    return next((str(one["Value"]) for one in attributes.get(arn) or [] if one["Key"] == key), "")


def full_name(arn: str) -> str:
    """The value in a metric's dimension: app/NAME/ID (load balancer), targetgroup/NAME/ID (target group).

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    return arn.partition(":loadbalancer/")[2] or arn.rpartition(":")[2]
