"""Resource schemas, judged as CloudFormation judges them, with values that are unknown yet."""

from typing import Any

import pytest

from pipeline.refusals import schemas
from pipeline.refusals.values import UNKNOWN
from tests.support import resource_schemas

GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
ALARM = "AWS::CloudWatch::Alarm"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
METRIC = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "m",
    "Namespace": "n",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
}


def faults(resource_type: str, **properties: Any) -> list[str]:
    return list(schemas.faults(resource_type, properties))


@pytest.mark.parametrize("port", [80, "80", UNKNOWN])
def test_a_number_may_be_written_as_text_or_be_unknown(port: Any) -> None:
    assert [] == faults(GROUP, Port=port)


@pytest.mark.parametrize(("percent", "taken"), [("20", True), (12.5, True), (33.3, True), (0.15, False)])
def test_a_multiple_of_a_tenth_is_told_in_spite_of_floating_point(percent: Any, taken: bool) -> None:
    canary = {"Strategy": "CANARY", "CanaryConfiguration": {"CanaryPercent": percent}}

    assert taken == (not faults("AWS::ECS::Service", DeploymentConfiguration=canary))


def test_a_value_is_never_quoted() -> None:
    assert ["#/Port: expected type: Integer"] == faults(GROUP, Port="a secret by mistake")


def test_a_condition_on_an_unknown_value_is_left_open() -> None:
    assert ["#: required key [Port] not found", "#: required key [Protocol] not found"] == faults(
        GROUP, TargetType="ip", VpcId="vpc-1"
    )
    assert [] == faults(GROUP, TargetType=UNKNOWN, VpcId="vpc-1")


def test_one_of_several_is_required_and_an_unknown_one_counts() -> None:
    assert ["#: exactly one of [Subnets], [SubnetMappings] is required"] == faults(BALANCER)
    assert [] == faults(BALANCER, Subnets=UNKNOWN)


def test_properties_exclude_each_other() -> None:
    assert [] == faults(ALARM, **METRIC)
    assert ["#: properties [ExtendedStatistic] and [Statistic] exclude each other"] == faults(
        ALARM, **METRIC, ExtendedStatistic="p99"
    )


def test_an_attribute_cannot_be_set() -> None:
    assert ["#: Encountered unsupported property LoadBalancerFullName (it is read-only)"] == faults(
        BALANCER, Subnets=UNKNOWN, LoadBalancerFullName="app/a/1"
    )


def test_a_type_without_a_schema_is_not_judged() -> None:
    assert [] == faults("AWS::A::B", Anything="goes")


def test_the_extract_is_the_one_of_the_cfn_lint_that_checks_the_templates() -> None:
    """Where it differs: .venv/bin/python -m tests.support.resource_schemas."""
    assert resource_schemas.text() == resource_schemas.FILE.read_text(encoding="utf-8")
