"""What somebody changed past CloudFormation is found, in every type of the templates that can be read.

The records and operations of the emulator in this process; no server, no Docker.
"""

import json

import pytest

from local_aws.cloudformation import drift
from local_aws.cloudformation.security_group_rules import rules_of
from local_aws.elb import resources
from local_aws.emulator import internals

ELB = "AWS::ElasticLoadBalancingV2::"
VPC = "vpc-0123"


@pytest.fixture(autouse=True)
def within_a_request(registry):
    resources.keep_weights()
    drift.register(registry)
    with registry.scope():
        yield


class Stack:
    """Resources made as CloudFormation makes them, and compared as it compares them."""

    def __init__(self):
        self.records = {}

    def make(self, logical_id, type_, properties):
        provision = internals.get("cloudformation.stacks", "_provision_resource")
        made, _ = provision(type_, logical_id, properties, "a-stack")
        self.records[logical_id] = {
            "ResourceType": type_,
            "PhysicalResourceId": made,
            "Properties": properties,
        }
        return made

    def compare(self, logical_id):
        detect = internals.get("cloudformation.drift", "detect_resource_drift")
        found = detect({"StackId": "a"}, logical_id, self.records[logical_id], "2026-01-01T00:00:00Z")
        differences = {d["PropertyPath"]: d["DifferenceType"] for d in found.get("PropertyDifferences", [])}
        return found["StackResourceDriftStatus"], differences


@pytest.fixture
def stack():
    return Stack()


@pytest.fixture
def group(stack):
    return stack.make(
        "Group",
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": "The tasks",
            "VpcId": VPC,
            "SecurityGroupIngress": [
                {
                    "Description": "Requests",
                    "IpProtocol": "tcp",
                    "FromPort": "8080",
                    "ToPort": "8080",
                    "SourceSecurityGroupId": "sg-1",
                },
                {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
            ],
            "SecurityGroupEgress": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
            ],
        },
    )


def test_a_security_group_as_it_was_made_is_in_sync(stack, group):
    assert ("IN_SYNC", {}) == stack.compare("Group")


def test_a_rule_that_was_added_to_a_security_group_is_found(stack, group, registry):
    registry.shipped_operation("ec2", "AuthorizeSecurityGroupIngress")(
        {
            "GroupId": [group],
            "IpPermissions.1.IpProtocol": ["tcp"],
            "IpPermissions.1.FromPort": ["22"],
            "IpPermissions.1.ToPort": ["22"],
            "IpPermissions.1.IpRanges.1.CidrIp": ["0.0.0.0/0"],
        }
    )

    assert ("MODIFIED", {"/SecurityGroupIngress/2": "ADD"}) == stack.compare("Group")


def test_a_rule_that_was_taken_from_a_security_group_is_found(stack, group, registry):
    registry.shipped_operation("ec2", "RevokeSecurityGroupIngress")(
        {
            "GroupId": [group],
            "IpPermissions.1.IpProtocol": ["tcp"],
            "IpPermissions.1.FromPort": ["80"],
            "IpPermissions.1.ToPort": ["80"],
            "IpPermissions.1.IpRanges.1.CidrIp": ["0.0.0.0/0"],
        }
    )

    assert ("MODIFIED", {"/SecurityGroupIngress/1": "REMOVE"}) == stack.compare("Group")


def test_a_security_group_that_was_deleted_is_found(stack, group, registry):
    registry.records("AWS::EC2::SecurityGroup").pop(group)

    assert ("DELETED", {}) == stack.compare("Group")


def test_a_retention_that_was_shortened_is_found(stack, registry):
    stack.make("Logs", "AWS::Logs::LogGroup", {"LogGroupName": "/a/group", "RetentionInDays": "30"})
    before = stack.compare("Logs")
    registry.records("AWS::Logs::LogGroup")["/a/group"]["retentionInDays"] = 7

    assert ("IN_SYNC", {}) == before
    assert ("MODIFIED", {"/RetentionInDays": "NOT_EQUAL"}) == stack.compare("Logs")


@pytest.fixture
def balancer(stack):
    arn = stack.make(
        "Balancer",
        f"{ELB}LoadBalancer",
        {
            "Type": "application",
            "Scheme": "internet-facing",
            "Subnets": ["subnet-1", "subnet-2"],
            "SecurityGroups": ["sg-1"],
            "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "60"}],
        },
    )
    groups = [
        stack.make(
            name,
            f"{ELB}TargetGroup",
            {
                "TargetType": "ip",
                "Port": 8080,
                "Protocol": "HTTP",
                "VpcId": VPC,
                "HealthCheckPath": "/ready",
                "HealthCheckIntervalSeconds": "5",
                "Matcher": {"HttpCode": "200"},
                "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
            },
        )
        for name in ("Blue", "Green")
    ]
    listener = stack.make(
        "Listener",
        f"{ELB}Listener",
        {
            "LoadBalancerArn": arn,
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [
                {
                    "Type": "fixed-response",
                    "FixedResponseConfig": {"StatusCode": "405", "ContentType": "application/json"},
                }
            ],
        },
    )
    stack.make(
        "Rule",
        f"{ELB}ListenerRule",
        {
            "ListenerArn": listener,
            "Priority": 100,
            "Conditions": [
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "HEAD"]}},
                {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Test", "Values": ["a"]}},
            ],
            "Actions": [
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": groups[0], "Weight": "100"},
                            {"TargetGroupArn": groups[1], "Weight": "0"},
                        ]
                    },
                }
            ],
        },
    )
    return arn


def rule_of(registry, stack):
    return registry.records(f"{ELB}ListenerRule")[stack.records["Rule"]["PhysicalResourceId"]]


@pytest.mark.parametrize("logical_id", ["Balancer", "Blue", "Green", "Listener", "Rule"])
def test_a_load_balancer_and_what_belongs_to_it_are_in_sync(stack, balancer, logical_id):
    assert ("IN_SYNC", {}) == stack.compare(logical_id)


def test_weights_that_moved_have_awss_path(stack, balancer, registry):
    first, second = rule_of(registry, stack)["Actions"][0]["ForwardConfig"]["TargetGroups"]
    first["Weight"], second["Weight"] = 0, 100
    path = "/Actions/0/ForwardConfig/TargetGroups"

    assert ("MODIFIED", {f"{path}/0/Weight": "NOT_EQUAL", f"{path}/1/Weight": "NOT_EQUAL"}) == stack.compare(
        "Rule"
    )


def test_a_rules_condition_that_was_changed_is_found(stack, balancer, registry):
    rule_of(registry, stack)["Conditions"][1]["HttpHeaderConfig"]["Values"] = ["b"]

    assert ("MODIFIED", {"/Conditions/1/HttpHeaderConfig/Values/0": "NOT_EQUAL"}) == stack.compare("Rule")


def test_a_target_groups_health_check_and_attribute_are_compared(stack, balancer, registry):
    arn = stack.records["Blue"]["PhysicalResourceId"]
    registry.records(f"{ELB}TargetGroup")[arn]["HealthCheckPath"] = "/"
    for attribute in registry.attributes(f"{ELB}TargetGroup")[arn]:
        if attribute["Key"] == "deregistration_delay.timeout_seconds":
            attribute["Value"] = "300"

    assert (
        "MODIFIED",
        {"/HealthCheckPath": "NOT_EQUAL", "/TargetGroupAttributes/0/Value": "NOT_EQUAL"},
    ) == stack.compare("Blue")


def test_a_balancers_attribute_that_was_changed_is_found(stack, balancer, registry):
    for attribute in registry.attributes(f"{ELB}LoadBalancer")[balancer]:
        if attribute["Key"] == "idle_timeout.timeout_seconds":
            attribute["Value"] = "4000"

    assert ("MODIFIED", {"/LoadBalancerAttributes/0/Value": "NOT_EQUAL"}) == stack.compare("Balancer")


def test_an_alarms_threshold_is_compared_as_a_number(stack, registry):
    name = stack.make(
        "Alarm",
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "HTTPCode_Target_5XX_Count",
            "Dimensions": [{"Name": "LoadBalancer", "Value": "app/x/1"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": "1",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": "5",
            "TreatMissingData": "notBreaching",
        },
    )
    before = stack.compare("Alarm")
    registry.records("AWS::CloudWatch::Alarm")[name]["Threshold"] = 500.0

    assert ("IN_SYNC", {}) == before
    assert ("MODIFIED", {"/Threshold": "NOT_EQUAL"}) == stack.compare("Alarm")


def test_a_services_task_count_is_read_from_the_service(stack, registry):
    service = {"status": "ACTIVE", "desiredCount": 2, "taskDefinition": "arn:td:1", "serviceName": "s"}
    asked = []

    def describe(request):
        asked.append(request)
        return 200, {}, json.dumps({"services": [service]}).encode()

    registry.operation("ecs", "DescribeServices", describe)
    arn = "arn:aws:ecs:eu-west-1:222222222222:service/a-cluster/s"
    stack.records["Service"] = {
        "ResourceType": "AWS::ECS::Service",
        "PhysicalResourceId": arn,
        "Properties": {"DesiredCount": "2", "TaskDefinition": "arn:td:1", "Cluster": "a-cluster"},
    }
    before = stack.compare("Service")
    service["desiredCount"] = 1

    assert ("IN_SYNC", {}) == before
    assert ("MODIFIED", {"/DesiredCount": "NOT_EQUAL"}) == stack.compare("Service")
    service["status"] = "INACTIVE"
    assert ("DELETED", {}) == stack.compare("Service")
    assert {"cluster": "a-cluster", "services": [arn]} == asked[0]


def test_a_vpc_a_subnet_and_a_cluster_are_looked_up(stack, registry):
    vpc = stack.make("Vpc", "AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"})
    stack.make("Subnet", "AWS::EC2::Subnet", {"VpcId": vpc, "CidrBlock": "10.0.1.0/24"})
    stack.make("Cluster", "AWS::ECS::Cluster", {"ClusterName": "drifting"})
    before = [stack.compare(name) for name in ("Vpc", "Subnet", "Cluster")]
    registry.records("AWS::ECS::Cluster").pop("drifting")

    assert [("IN_SYNC", {})] * 3 == before
    assert ("DELETED", {}) == stack.compare("Cluster")


def test_every_kind_of_peer_of_a_security_group_has_its_name():
    permission = {
        "IpProtocol": "-1",
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "UserIdGroupPairs": [{"GroupId": "sg-1", "UserId": "1"}],
    }

    assert [
        {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8", "Description": "inside"},
        {"IpProtocol": "-1", "CidrIpv6": "::/0"},
        {"IpProtocol": "-1", "DestinationPrefixListId": "pl-1"},
        {"IpProtocol": "-1", "DestinationSecurityGroupId": "sg-1"},
    ] == rules_of([permission], "Destination")
