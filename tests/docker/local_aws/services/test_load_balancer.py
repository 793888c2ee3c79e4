"""The load balancer by API: weights as they were given, refusals in AWS's words, a port of its own."""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.probe_service import Aws, eventually

FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "none"}}]
ANY_GET = [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}]


class Made:
    """A load balancer with a listener and two target groups."""

    def __init__(self, aws: Aws) -> None:
        self.elb = aws.client("elbv2")
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24")["Subnet"]["SubnetId"] for n in (1, 2)
        ]
        balancer = self.elb.create_load_balancer(Name="by-api", Subnets=subnets)["LoadBalancers"][0]
        self.arn: str = balancer["LoadBalancerArn"]
        self.url = f"http://{balancer['DNSName']}"
        self.blue, self.green = (
            self.elb.create_target_group(Name=name, Port=8080, Protocol="HTTP", VpcId=vpc, TargetType="ip")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
            for name in ("by-api-blue", "by-api-green")
        )
        self.listener: str = self.elb.create_listener(
            LoadBalancerArn=self.arn, Port=80, Protocol="HTTP", DefaultActions=FIXED
        )["Listeners"][0]["ListenerArn"]

    def rule(self, priority: int = 1, conditions: Any = None, actions: Any = None) -> dict[str, Any]:
        rule: dict[str, Any] = self.elb.create_rule(
            ListenerArn=self.listener,
            Priority=priority,
            Conditions=conditions or ANY_GET,
            Actions=actions or FIXED,
        )["Rules"][0]
        return rule

    def weights(self, blue: int, green: int) -> list[dict[str, Any]]:
        groups = [
            {"TargetGroupArn": self.blue, "Weight": blue},
            {"TargetGroupArn": self.green, "Weight": green},
        ]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


@pytest.fixture
def made(aws: Aws) -> Iterator[Made]:
    elb = Made(aws)
    try:
        yield elb
    finally:
        elb.elb.delete_listener(ListenerArn=elb.listener)
        for group in (elb.blue, elb.green):
            elb.elb.delete_target_group(TargetGroupArn=group)
        elb.elb.delete_load_balancer(LoadBalancerArn=elb.arn)


def test_a_listener_answers_on_the_port_of_the_dns_name(made: Made) -> None:
    assert eventually("the listener", lambda: requests.get(made.url, timeout=5).text == "none")


def is_taken(port: int) -> bool:
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_a_deleted_load_balancer_gives_its_port_back(aws: Aws) -> None:
    made = aws.client("elbv2").create_load_balancer(Name="gone")["LoadBalancers"][0]
    port = int(made["DNSName"].rpartition(":")[2])
    assert is_taken(port)
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])

    assert eventually("the port to be free", lambda: not is_taken(port), timeout=10)


def test_weights_come_back_as_they_were_given_and_can_be_moved(made: Made) -> None:
    rule = made.rule(actions=made.weights(100, 0))
    made.elb.modify_rule(RuleArn=rule["RuleArn"], Actions=made.weights(0, 100))
    moved = made.elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"][0]

    assert [100, 0] == [one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]]
    assert [0, 100] == [one["Weight"] for one in moved["Actions"][0]["ForwardConfig"]["TargetGroups"]]
    groups = made.elb.describe_target_groups(TargetGroupArns=[made.green])["TargetGroups"]
    assert [made.arn] == groups[0]["LoadBalancerArns"]


def test_conditions_come_back_as_they_were_given(made: Made) -> None:
    conditions = [
        *ANY_GET,
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Test", "Values": ["one"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b&c"}]}},
    ]
    given = [
        {k: v for k, v in one.items() if k != "Values"} for one in made.rule(1, conditions)["Conditions"]
    ]

    assert conditions == given


def test_a_fourth_method_is_refused_by_the_api_too(made: Made) -> None:
    methods = [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["A", "B", "C", "D"]}}]

    with pytest.raises(ClientError, match="A condition can only have '3' condition values"):
        made.rule(conditions=methods)


def test_a_priority_in_use_is_refused(made: Made) -> None:
    made.rule(7)

    with pytest.raises(made.elb.exceptions.PriorityInUseException, match="Priority '7' is currently in use"):
        made.rule(7)


def test_a_target_group_in_use_is_not_deleted(made: Made) -> None:
    made.rule(actions=made.weights(1, 1))

    with pytest.raises(made.elb.exceptions.ResourceInUseException, match="currently in use by a listener"):
        made.elb.delete_target_group(TargetGroupArn=made.green)


def test_an_unknown_target_group_is_refused(made: Made) -> None:
    absent = made.blue.replace("by-api-blue", "absent")

    with pytest.raises(made.elb.exceptions.TargetGroupNotFoundException):
        made.rule(actions=[{"Type": "forward", "TargetGroupArn": absent}])


def test_a_protected_load_balancer_is_not_deleted(made: Made) -> None:
    def protect(value: str) -> None:
        attribute = {"Key": "deletion_protection.enabled", "Value": value}
        made.elb.modify_load_balancer_attributes(LoadBalancerArn=made.arn, Attributes=[attribute])

    protect("true")
    with pytest.raises(
        made.elb.exceptions.OperationNotPermittedException, match="deletion protection is enabled"
    ):
        made.elb.delete_load_balancer(LoadBalancerArn=made.arn)
    protect("false")


def test_a_target_of_a_group_that_no_rule_uses_is_unused(made: Made) -> None:
    made.elb.register_targets(TargetGroupArn=made.blue, Targets=[{"Id": "127.0.0.1", "Port": 9}])
    described = made.elb.describe_target_health(TargetGroupArn=made.blue)["TargetHealthDescriptions"]

    assert [("unused", "Target.NotInUse")] == [
        (one["TargetHealth"]["State"], one["TargetHealth"]["Reason"]) for one in described
    ]
