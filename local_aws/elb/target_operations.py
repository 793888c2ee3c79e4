"""RegisterTargets, DeregisterTargets and DescribeTargetHealth, with the health from real checks.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from collections.abc import Callable
from typing import Any

from local_aws.elb.actions import Parameters, nested, one, xml
from local_aws.elb.records import Records
from local_aws.elb.target_groups import Target, target_groups
from local_aws.emulator import elbv2
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Registry


def register(registry: Registry, records: Records) -> None:
    groups = target_groups(registry)

    def named(parameters: Parameters) -> tuple[str, list[tuple[str, int]]]:
        arn = one(parameters, "TargetGroupArn")
        if arn not in records.target_groups:
            raise RefusedError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        default = records.target_groups[arn]["Port"]
        return arn, [
            (target["Id"], int(target.get("Port") or default))
            for target in nested(parameters).get("Targets") or []
        ]

    def answer(name: str, handle: Callable[[Parameters], str]) -> None:
        registry.operation("elbv2", name, lambda parameters: elbv2.answer(name, handle(parameters)))

    def register_targets(parameters: Parameters) -> str:
        group, targets = named(parameters)
        for target_id, port in targets:
            groups.register(group, target_id, port)
        return ""

    def deregister_targets(parameters: Parameters) -> str:
        group, targets = named(parameters)
        for target_id, port in targets:
            groups.deregister(group, target_id, port, records.delay(group))
        return ""

    def describe_target_health(parameters: Parameters) -> str:
        group, asked = named(parameters)
        known = [(target.id, target.port) for target in groups.targets(group)]
        check_port = str(records.target_groups[group]["HealthCheckPort"])
        in_use = bool(records.users_of(group))
        shown = [
            _described(Target(i, port, groups.health(group, i, port, in_use)), check_port)
            for i, port in asked or known
        ]
        return xml({"TargetHealthDescriptions": shown})

    answer("RegisterTargets", register_targets)
    answer("DeregisterTargets", deregister_targets)
    answer("DescribeTargetHealth", describe_target_health)


def _described(target: Target, check_port: str) -> dict[str, Any]:
    health = {"Reason": target.health.reason, "Description": target.health.description}
    return {
        "Target": {"Id": target.id, "Port": target.port},
        "HealthCheckPort": target.port if check_port == "traffic-port" else check_port,
        "TargetHealth": {"State": target.health.state, **{key: text for key, text in health.items() if text}},
    }
