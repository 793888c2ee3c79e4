"""RegisterTargets, DeregisterTargets and DescribeTargetHealth, with the health from real checks.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from collections.abc import Callable
from xml.sax.saxutils import escape

from local_aws.elb.actions import Parameters, members, one
from local_aws.elb.records import Records, RefusedError
from local_aws.elb.target_groups import Target, target_groups
from local_aws.emulator import elbv2
from local_aws.emulator.registry import Registry, Response


def register(registry: Registry, records: Records) -> None:
    groups = target_groups(registry)

    def named(parameters: Parameters) -> tuple[str, list[tuple[str, int]]]:
        arn = one(parameters, "TargetGroupArn")
        if arn not in records.target_groups:
            raise RefusedError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        default = records.target_groups[arn]["Port"]
        return arn, [
            (one(parameters, f"{at}.Id"), int(one(parameters, f"{at}.Port") or default))
            for at in members(parameters, "Targets")
        ]

    def answer(name: str, handle: Callable[[Parameters], str]) -> None:
        def respond(parameters: Parameters) -> Response:
            try:
                return elbv2.answer(name, handle(parameters))
            except RefusedError as refused:
                return registry.error("elbv2", refused.code, refused.message)

        registry.operation("elbv2", name, respond)

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
            _health_xml(Target(i, port, groups.health(group, i, port, in_use)), check_port)
            for i, port in asked or known
        ]
        return f"<TargetHealthDescriptions>{''.join(shown)}</TargetHealthDescriptions>"

    answer("RegisterTargets", register_targets)
    answer("DeregisterTargets", deregister_targets)
    answer("DescribeTargetHealth", describe_target_health)


def _health_xml(target: Target, check_port: str) -> str:
    health = target.health
    reason = f"<Reason>{health.reason}</Reason>" if health.reason else ""
    description = f"<Description>{escape(health.description)}</Description>" if health.description else ""
    return (
        f"<member><Target><Id>{escape(target.id)}</Id><Port>{target.port}</Port></Target>"
        f"<HealthCheckPort>{target.port if check_port == 'traffic-port' else check_port}</HealthCheckPort>"
        f"<TargetHealth><State>{health.state}</State>{reason}{description}</TargetHealth></member>"
    )
