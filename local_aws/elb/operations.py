"""The elbv2 operations in which MiniStack differs from AWS: a real port, weights, and AWS's refusals."""

from collections.abc import Callable
from typing import Any

from local_aws.elb import actions
from local_aws.elb.actions import Parameters, one
from local_aws.elb.records import Records, RefusedError
from local_aws.emulator.registry import Registry, Response
from local_aws.ports import Ports
from pipeline.errors import PortInUseError


def register(registry: Registry, records: Records, ports: Ports) -> None:
    registry.replace("alb", "_parse_actions", actions.parse_actions(registry.store("alb", "_parse_actions")))
    registry.replace("alb", "_action_xml", actions.action_xml(registry.store("alb", "_action_xml")))
    registry.replace("alb", "_parse_conditions", actions.conditions_from_api)
    registry.replace("alb", "_condition_xml", actions.condition_xml)
    error: Callable[[str, str], Response] = registry.store("alb", "_error")

    def wrap(name: str, before: Callable[[Parameters], None] | None = None) -> None:
        shipped = registry.shipped_operation("elbv2", name)

        def handle(parameters: Parameters) -> Response:
            try:
                if before is not None:
                    before(parameters)
                response = shipped(parameters)
            except RefusedError as refused:
                return error(refused.code, refused.message)
            records.relink()
            return response

        registry.operation("elbv2", name, handle)

    def new_rule(parameters: Parameters) -> None:
        records.check_rule(
            [*actions.conditions_from_api(parameters)],
            _actions(registry, parameters),
            one(parameters, "ListenerArn"),
            one(parameters, "Priority"),
        )

    def changed_rule(parameters: Parameters) -> None:
        rule = records.rules.get(one(parameters, "RuleArn"))
        if rule is not None and not rule["IsDefault"]:
            records.check_rule(
                [*(actions.conditions_from_api(parameters) or rule["Conditions"])],
                _actions(registry, parameters),
                rule["ListenerArn"],
                rule["Priority"],
                rule["RuleArn"],
            )

    def unused_group(parameters: Parameters) -> None:
        arn = one(parameters, "TargetGroupArn")
        if records.users_of(arn):
            raise RefusedError(
                "ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule"
            )

    wrap("CreateRule", new_rule)
    wrap("ModifyRule", changed_rule)
    wrap("DeleteTargetGroup", unused_group)
    wrap("DeleteLoadBalancer", lambda parameters: records.check_deletion(one(parameters, "LoadBalancerArn")))
    for name in ("DeleteRule", "CreateListener", "ModifyListener", "DeleteListener"):
        wrap(name)

    shipped_create = registry.shipped_operation("elbv2", "CreateLoadBalancer")

    def create_load_balancer(parameters: Parameters) -> Response:
        name = one(parameters, "Name")
        status, headers, body = shipped_create(parameters)
        for record in records.load_balancers.values():
            if status == 200 and record["LoadBalancerName"] == name:
                shown = record["DNSName"].encode()
                try:
                    record["DNSName"] = f"localhost:{ports.reserve(record['LoadBalancerArn'])}"
                except PortInUseError as in_use:
                    records.load_balancers.pop(record["LoadBalancerArn"])
                    return error("InternalFailure", str(in_use))
                body = body.replace(shown, record["DNSName"].encode())
        return status, headers, body

    registry.operation("elbv2", "CreateLoadBalancer", create_load_balancer)


def _actions(registry: Registry, parameters: Parameters) -> list[dict[str, Any]]:
    parse: Callable[..., list[dict[str, Any]]] = registry.store("alb", "_parse_actions")
    return parse(parameters, "Actions")
