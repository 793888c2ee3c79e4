"""Load balancers, listeners, rules and target groups in CloudFormation, with AWS's checks and real ports.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from local_aws.elb import actions as elb_actions
from local_aws.elb.records import LISTENER, LOAD_BALANCER, RULE, TARGET_GROUP, Records, full_name
from local_aws.elb.target_groups import target_groups
from local_aws.emulator import elbv2
from local_aws.emulator.refusals import RefusedError, resource_error
from local_aws.emulator.registry import Attributes, Properties, Registry
from local_aws.ports import Ports
from pipeline.errors import PortInUseError


def register(registry: Registry, records: Records, ports: Ports, settle: Callable[[], None]) -> None:
    """Register the resource types. settle: makes the real listeners follow the records."""
    keep_weights()

    def follow(*_: Any) -> None:
        records.relink()
        settle()

    def give_port(arn: str, _: Properties, attributes: Attributes) -> None:
        try:
            address = f"localhost:{ports.reserve(arn)}"
        except PortInUseError as error:
            raise ValueError(str(error)) from error
        records.load_balancers[arn]["DNSName"] = attributes["DNSName"] = address
        follow()

    def give_full_name(arn: str, _: Properties, attributes: Attributes) -> None:
        # MiniStack leaves out "targetgroup/". An alarm on such a dimension gets no data.
        attributes["TargetGroupFullName"] = full_name(arn)
        follow()

    def forget(arn: str) -> None:
        target_groups(registry).forget(arn)
        follow()

    def check_rule(properties: Properties, physical_id: str) -> None:
        with _refusals_in_cloudformations_words():
            records.check_rule(
                [*elb_actions.conditions_from_template(properties.get("Conditions") or [])],
                properties.get("Actions") or [],
                properties["ListenerArn"],
                str(properties["Priority"]),
                physical_id,
            )

    def check_deletion(arn: str) -> None:
        with _refusals_in_cloudformations_words():
            records.check_deletion(arn)

    extend = partial(registry.extend_resource_type, waits=True)
    extend(LOAD_BALANCER, made=give_port, check_deletion=check_deletion, deleted=follow)
    extend(LISTENER, made=follow, deleted=follow)
    extend(RULE, check=check_rule, made=follow, deleted=follow)
    extend(TARGET_GROUP, made=give_full_name, deleted=forget)


@contextmanager
def _refusals_in_cloudformations_words() -> Iterator[None]:
    try:
        yield
    except RefusedError as refused:
        told = f"Service: ElasticLoadBalancingV2, Status Code: 400, Request ID: {uuid.uuid4()}"
        raise resource_error(f"{refused.message} ({told})", refused.handler_code) from refused


def keep_weights() -> None:
    """Keep weights and whole conditions in the rules of a template."""
    elbv2.read_template_actions(
        lambda action, template: elb_actions.with_forward_config(action, template.get("ForwardConfig"))
    )
    elbv2.read_template_conditions(elb_actions.conditions_from_template)
