"""Listener rules as ECS sees and moves them, and what it says when it cannot."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_aws.ecs.deployments.listener_rules import POLICY, ListenerRules, may_move_traffic
from local_aws.elb.records import Records
from local_aws.emulator.roles import trusts_service

ELB = "AWS::ElasticLoadBalancingV2::"


def trust(principal: Any, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"}]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (trust({"Service": "ecs.amazonaws.com"}), True),
        (json.dumps(trust({"Service": ["ec2.amazonaws.com", "ecs.amazonaws.com"]})), True),
        (trust({"Service": "ecs-tasks.amazonaws.com"}), False),
        (trust({"Service": "ecs.amazonaws.com"}, effect="Deny"), False),
        (trust("*"), False),
    ],
)
def test_only_a_role_that_ecs_may_assume_is_of_use(document: Any, expected: bool) -> None:
    assert expected is trusts_service(document, "ecs.amazonaws.com")


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({"AttachedPolicies": [f"arn:aws:iam::aws:policy/{POLICY}"]}, True),
        ({"InlinePolicies": {"own": {"Action": ["elasticloadbalancing:ModifyRule"]}}}, True),
        ({"AttachedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}, False),
        ({}, False),
    ],
)
def test_only_a_role_with_a_policy_for_it_moves_traffic(role: dict[str, Any], expected: bool) -> None:
    assert expected is may_move_traffic(role)


class Stores:
    """A registry with a load balancer, two target groups, two rules and a role."""

    def __init__(self) -> None:
        self.regions: list[str] = []
        self.stores: dict[str, dict[str, Any]] = {
            f"{ELB}TargetGroup": {name: {"LoadBalancerArns": []} for name in ("blue", "green", "other")},
            f"{ELB}Listener": {"listener": {"LoadBalancerArn": "balancer"}},
            f"{ELB}ListenerRule": {name: self.rule(blue=100, green=0) for name in ("production", "test")},
            "AWS::IAM::Role": {
                "ecs": {
                    "AssumeRolePolicyDocument": trust({"Service": "ecs.amazonaws.com"}),
                    "AttachedPolicies": [POLICY],
                }
            },
        }

    @staticmethod
    def rule(**weights: int) -> dict[str, Any]:
        groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        return {"ListenerArn": "listener", "Actions": [action]}

    def records(self, resource_type: str) -> dict[str, Any]:
        return self.stores.setdefault(resource_type, {})

    def attributes(self, _: str) -> dict[str, Any]:
        return {}

    @contextmanager
    def scope(self, region: str) -> Iterator[None]:
        self.regions.append(region)
        yield


BALANCER = {
    "targetGroupArn": "blue",
    "advancedConfiguration": {
        "alternateTargetGroupArn": "green",
        "productionListenerRule": "production",
        "testListenerRule": "test",
        "roleArn": "arn:aws:iam::000000000000:role/ecs",
    },
}


def traffic(stores: Stores) -> ListenerRules:
    return ListenerRules(stores, Records(stores))  # type: ignore[arg-type]


def test_a_whole_load_balancer_is_no_problem() -> None:
    assert traffic(Stores()).problem(BALANCER) == ""


def test_a_role_of_no_use_is_named() -> None:
    stores = Stores()
    stores.stores["AWS::IAM::Role"]["ecs"]["AssumeRolePolicyDocument"] = trust(
        {"Service": "ec2.amazonaws.com"}
    )

    assert (
        "of invalid networking configuration. ECS was unable to manage the ELB resources due to missing "
        "permissions on ECS Infrastructure Role 'arn:aws:iam::000000000000:role/ecs'."
    ) == traffic(stores).problem(BALANCER)


def test_a_target_group_that_no_rule_leads_to_is_named() -> None:
    stores = Stores()
    stores.stores[f"{ELB}ListenerRule"] |= {name: Stores.rule(blue=1) for name in ("production", "test")}

    assert (
        "of invalid networking configuration: Target group green is not associated with either "
        "productionListenerRule or testListenerRule."
    ) == traffic(stores).problem(BALANCER)


@pytest.mark.parametrize(("weights", "number"), [({"blue": 1, "green": 1}, 2), ({"blue": 0, "green": 0}, 0)])
def test_production_traffic_must_go_to_one_group(weights: dict[str, int], number: int) -> None:
    stores = Stores()
    stores.stores[f"{ELB}ListenerRule"]["production"] = Stores.rule(**weights)

    assert (
        "of invalid networking configuration. productionListenerRule production should have exactly one "
        f"target group serving traffic but found {number} target groups which are serving traffic"
    ) == traffic(stores).problem(BALANCER)


def test_production_traffic_must_go_to_a_group_of_the_service() -> None:
    stores = Stores()
    stores.stores[f"{ELB}ListenerRule"]["production"] = Stores.rule(other=1, blue=0, green=0)

    assert (
        "of invalid networking configuration. Production listener rule is forwarding traffic to unexpected "
        "target group other. "
    ) in traffic(stores).problem(BALANCER)


def test_moved_weights_are_those_of_the_rule_and_the_groups_stay_in_use() -> None:
    stores = Stores()
    moving = traffic(stores)
    moving.move("production", {"green": 100, "blue": 0})

    assert ["green"] == moving.serving("production")
    assert ["balancer"] == stores.stores[f"{ELB}TargetGroup"]["blue"]["LoadBalancerArns"]


def test_a_rule_is_looked_up_in_its_own_region() -> None:
    stores = Stores()
    rule = "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/a/1/2/3"
    stores.stores[f"{ELB}ListenerRule"][rule] = stores.rule(blue=100, green=0)

    assert ["blue"] == traffic(stores).serving(rule)
    traffic(stores).move(rule, {"blue": 0, "green": 100})
    assert ["us-east-1"] * 2 == stores.regions
