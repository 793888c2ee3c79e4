"""The operations of Elastic Load Balancing with a real port, weights, and AWS's refusals.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from collections.abc import Callable

from local_aws.elb import actions
from local_aws.elb.actions import Parameters, one
from local_aws.elb.records import Records
from local_aws.emulator import elbv2
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import Registry, Response
from local_aws.ports import Ports
from pipeline.errors import PortInUseError


def register(registry: Registry, records: Records, ports: Ports) -> None:
    elbv2.read_api_actions(actions.parse_actions)
    elbv2.read_api_conditions(actions.conditions_from_api)
    elbv2.show_actions(actions.action_xml)
    elbv2.show_conditions(actions.condition_xml)

    def wrap(name: str, before: Callable[[Parameters], None] = lambda _: None) -> None:
        shipped = registry.shipped_operation("elbv2", name)

        def handle(parameters: Parameters) -> Response:
            before(parameters)
            response = shipped(parameters)
            records.relink()
            return response

        registry.operation("elbv2", name, handle)

    def new_rule(parameters: Parameters) -> None:
        records.check_rule(
            [*actions.conditions_from_api(parameters)],
            elbv2.api_actions(parameters, "Actions"),
            one(parameters, "ListenerArn"),
            one(parameters, "Priority"),
        )

    def changed_rule(parameters: Parameters) -> None:
        rule = records.rules.get(one(parameters, "RuleArn"))
        if rule is not None and not rule["IsDefault"]:
            records.check_rule(
                [*(actions.conditions_from_api(parameters) or rule["Conditions"])],
                elbv2.api_actions(parameters, "Actions"),
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
                    raise RefusedError("InternalFailure", str(in_use)) from in_use
                body = body.replace(shown, record["DNSName"].encode())
        return status, headers, body

    registry.operation("elbv2", "CreateLoadBalancer", create_load_balancer)
