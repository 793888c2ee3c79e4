"""Load balancers, listeners, rules and target groups in CloudFormation: checked as AWS does, made real."""

from collections.abc import Callable

from local_aws.elb import actions as elb_actions
from local_aws.elb.records import (
    LISTENER,
    LOAD_BALANCER,
    RULE,
    TARGET_GROUP,
    Records,
    RefusedError,
    as_resource_error,
    full_name,
)
from local_aws.elb.target_groups import target_groups
from local_aws.emulator import elbv2
from local_aws.emulator.registry import Attributes, Properties, Registry
from local_aws.ports import Ports
from pipeline.errors import PortInUseError


def register(registry: Registry, records: Records, ports: Ports, settle: Callable[[], None]) -> None:
    """Register the resource types; `settle` makes the real listeners follow."""
    keep_weights()

    def wrap(
        name: str,
        *,
        check: Callable[[Properties, str], None] | None = None,
        made: Callable[[str, Attributes], None] | None = None,
        check_delete: Callable[[str], None] | None = None,
        deleted: Callable[[str], None] | None = None,
    ) -> None:
        shipped = registry.shipped_resource_type(name)

        def finish(
            physical_id: str, properties: Properties, attributes: Attributes
        ) -> tuple[str, Attributes]:
            try:
                if made is not None:
                    made(physical_id, attributes)
            except PortInUseError as error:
                shipped["delete"](physical_id, properties)
                raise ValueError(str(error)) from error
            records.relink()
            settle()
            return physical_id, attributes

        def checked(properties: Properties, physical_id: str) -> None:
            try:
                if check is not None:
                    check(properties, physical_id)
            except RefusedError as refused:
                raise as_resource_error(refused) from refused

        def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
            checked(properties, "")
            physical_id, attributes = shipped["create"](logical_id, properties, stack_name)
            return finish(physical_id, properties, attributes)

        def update(
            physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
        ) -> tuple[str, Attributes]:
            checked(new, physical_id)
            new_id, attributes = shipped["update"](physical_id, old, new, stack_name, logical_id)
            return finish(new_id, new, attributes)

        def delete(physical_id: str, properties: Properties) -> None:
            try:
                if check_delete is not None:
                    check_delete(physical_id)
            except RefusedError as refused:
                raise as_resource_error(refused) from refused
            shipped["delete"](physical_id, properties)
            if deleted is not None:
                deleted(physical_id)
            records.relink()
            settle()

        registry.resource_type(name, create=create, update=update, delete=delete, waits=True)

    def give_port(arn: str, attributes: Attributes) -> None:
        record = records.load_balancers[arn]
        record["DNSName"] = attributes["DNSName"] = f"localhost:{ports.reserve(arn)}"

    def give_full_name(arn: str, attributes: Attributes) -> None:
        # MiniStack leaves "targetgroup/" out, and an alarm on such a dimension sees no data.
        attributes["TargetGroupFullName"] = full_name(arn)

    def check_rule(properties: Properties, physical_id: str) -> None:
        conditions = elb_actions.conditions_from_template(properties.get("Conditions") or [])
        records.check_rule(
            [*conditions],
            properties.get("Actions") or [],
            properties["ListenerArn"],
            str(properties["Priority"]),
            physical_id,
        )

    wrap(
        LOAD_BALANCER,
        made=give_port,
        check_delete=records.check_deletion,
    )
    wrap(LISTENER)
    wrap(RULE, check=check_rule)
    wrap(TARGET_GROUP, made=give_full_name, deleted=target_groups(registry).forget)


def keep_weights() -> None:
    """Write the rules of a template with weights and whole conditions."""
    elbv2.read_template_actions(
        lambda action, template: elb_actions.with_forward_config(action, template.get("ForwardConfig"))
    )
    elbv2.read_template_conditions(elb_actions.conditions_from_template)
