"""Two regions side by side: the same names in both, and neither sees the other's."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.checkout import REGION, region_of
from local_aws.cloudformation.physical_names import in_region
from local_aws.cloudformation.physical_names import register as register_names
from local_aws.cloudwatch.alarms import Alarms, TargetMetrics, in_alarm
from local_aws.elb.target_groups import TargetGroups
from local_aws.emulator import internals
from local_aws.emulator.registry import Registry

REGIONS = ("eu-west-1", "us-east-1")


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        ("arn:aws:ecs:us-east-1:000000000000:service/c/s", "us-east-1"),
        ("arn:aws:iam::000000000000:role/r", REGION),
        ("a-name", REGION),
    ],
)
def test_an_arn_names_its_region(arn: str, region: str) -> None:
    assert region == region_of(arn)


def alarm(state: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "HTTPCode_Target_5XX_Count",
        "Dimensions": {"LoadBalancer": "app/none/1"},
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching",
        "StateValue": state,
        "AlarmName": "errors",
    }


def in_each(registry: Registry, do: Callable[[], Any]) -> dict[str, Any]:
    found = {}
    for region in REGIONS:
        with registry.scope(region):
            found[region] = do()
    return found


def test_a_service_asks_for_the_alarms_of_its_own_region(registry: Registry) -> None:
    alarms = registry.records("AWS::CloudWatch::Alarm")
    with registry.scope("us-east-1"):
        alarms["errors"] = alarm("ALARM")

    assert {"us-east-1"} == registry.regions("AWS::CloudWatch::Alarm")
    assert {"eu-west-1": [], "us-east-1": ["errors"]} == in_each(
        registry, lambda: in_alarm(registry, ["errors"])
    )


def test_the_alarms_of_every_region_are_evaluated(registry: Registry) -> None:
    alarms = registry.records("AWS::CloudWatch::Alarm")
    in_each(registry, lambda: alarms.update({"errors": alarm("INSUFFICIENT_DATA")}))
    with registry.scope("us-east-1"):
        alarms["errors"] = alarm("ALARM")
    Alarms(registry, TargetMetrics(TargetGroups())).evaluate()

    assert dict.fromkeys(REGIONS, "OK") == in_each(registry, lambda: alarms["errors"]["StateValue"])


NAME = "orders-dev-ecs-stack-TaskRole-8F2A1C9D4E5B7"


def test_made_up_names_differ_between_regions_and_stay_the_same_in_one() -> None:
    elsewhere = in_region(NAME, "us-east-1")

    assert NAME == in_region(NAME, REGION)
    assert elsewhere == in_region(NAME, "us-east-1") != in_region(NAME, "us-west-2")
    assert re.fullmatch(r"orders-dev-ecs-stack-TaskRole-[0-9A-F]{13}", elsewhere)
    assert re.fullmatch(r"orders-dev-ecs-stack-taskrole-[0-9a-f]{13}", in_region(NAME.lower(), "us-east-1"))


def test_ministack_still_makes_names_up_where_we_know(registry: Registry) -> None:
    register_names(registry)
    physical_name = internals.get("cloudformation.provisioners", "_physical_name")
    names = in_each(registry, lambda: str(physical_name("stack", "Role", max_len=64)))

    assert 2 == len(set(names.values()))
