"""The listener rules of a deployment: ECS reads and writes their weights, and says why it cannot.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html
"""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.checkout import region_of
from local_aws.elb.actions import with_forward_config
from local_aws.elb.records import Records
from local_aws.elb.rules import weighted_target_groups
from local_aws.emulator.registry import Registry
from local_aws.emulator.roles import trusts_service
from local_aws.shapes import LoadBalancer, TargetGroup

INVALID = "of invalid networking configuration"
POLICY = "AmazonECSInfrastructureRolePolicyForLoadBalancers"


class ListenerRules:
    """Reads and writes the weights of listener rules."""

    def __init__(self, registry: Registry, records: Records) -> None:
        self._registry = registry
        self._records = records
        self._roles = registry.records("AWS::IAM::Role")

    def serving(self, rule: str) -> list[str]:
        """The target groups to which the rule sends traffic."""
        with self._registry.scope(region_of(rule)):
            return [group for group, weight in self._groups(rule) if weight > 0]

    def move(self, rule: str, weights: Mapping[str, int]) -> None:
        """Write the rule's weights. The weights hold from the next request on."""
        groups: list[TargetGroup] = [
            {"TargetGroupArn": group, "Weight": weight} for group, weight in sorted(weights.items())
        ]
        with self._registry.scope(region_of(rule)):
            record = self._records.rules.get(rule)
            if record is None:
                return
            action = with_forward_config({"Type": "forward", "Order": 1}, {"TargetGroups": groups})
            record["Actions"] = [action]
            self._records.relink()

    def problem(self, load_balancer: LoadBalancer) -> str:
        """Why a deployment cannot use this load balancer, "" when it can."""
        advanced = load_balancer["advancedConfiguration"]
        production, test = advanced["productionListenerRule"], advanced.get("testListenerRule", "")
        pair = (load_balancer["targetGroupArn"], advanced["alternateTargetGroupArn"])
        with self._registry.scope(region_of(production)):
            if not self._may_manage(advanced.get("roleArn", "")):
                return (
                    f"{INVALID}. ECS was unable to manage the ELB resources due to missing permissions on "
                    f"ECS Infrastructure Role '{advanced.get('roleArn', '')}'."
                )
            tied = {group for rule in (production, test) for group, _ in self._groups(rule)}
            for group in pair:
                if group not in tied:
                    return (
                        f"{INVALID}: Target group {group} is not associated with either "
                        "productionListenerRule or testListenerRule."
                    )
            serving = [group for group, weight in self._groups(production) if weight > 0]
        for group in serving:
            if group not in pair:
                return (
                    f"{INVALID}. Production listener rule is forwarding traffic to unexpected target group "
                    f"{group}. Expected traffic to be forwarded to either targetGroupArn: {pair[0]} or "
                    f"alternateTargetGroupArn: {pair[1]}"
                )
        if len(serving) != 1:
            return (
                f"{INVALID}. productionListenerRule {production} should have exactly one target group "
                f"serving traffic but found {len(serving)} target groups which are serving traffic"
            )
        return ""

    def _groups(self, rule: str) -> list[tuple[str, int]]:
        record = self._records.rules.get(rule) or {"Actions": []}
        return [pair for action in record["Actions"] for pair in weighted_target_groups(action)]

    def _may_manage(self, role: str) -> bool:
        record = self._roles.get(role.rpartition("/")[2])
        if record is None or not trusts_service(record["AssumeRolePolicyDocument"], "ecs.amazonaws.com"):
            return False
        return may_move_traffic(record)


def may_move_traffic(role: Mapping[str, Any]) -> bool:
    """Whether a role has AWS's managed policy for load balancers, or an own policy that names ModifyRule."""
    attached = [str(one) for one in role.get("AttachedPolicies") or []]
    own = json.dumps(role.get("InlinePolicies") or {})
    return any(POLICY in one or "AdministratorAccess" in one for one in attached) or any(
        action in own for action in ("elasticloadbalancing:*", "elasticloadbalancing:ModifyRule")
    )
