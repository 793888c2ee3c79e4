"""Resources are refused where CloudFormation's schemas or the resource's service would refuse them.

pipeline/refusals holds what is refused, because the pipeline asks the same before a deploy. A resource whose
Metadata says `Slipway: {AwsTakes: why}` is not judged.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/template-formats.html (YAML aliases)
"""

from collections.abc import Iterator
from functools import partial

from local_aws.emulator.cloudformation import (
    ResourceOperation,
    before_resource,
    before_templates,
    resource_in_template,
)
from local_aws.emulator.refusals import resource_error
from local_aws.emulator.registry import Properties, Registry
from pipeline.refusals import network
from pipeline.refusals.resource import is_excused, refusals
from pipeline.refusals.template import refuse_aliases

SUBNET, VPC = "AWS::EC2::Subnet", "AWS::EC2::VPC"


def register(registry: Registry) -> None:
    """Check a template before CloudFormation reads the template, and a resource before its operation."""
    before_templates(refuse_aliases)
    before_resource(partial(refuse, registry))


def refuse(registry: Registry, operation: ResourceOperation) -> None:
    """Raise ValueError in CloudFormation's words when AWS refuses the properties."""
    if operation.kind == "delete" or operation.changes_nothing:
        return
    if is_excused(resource_in_template(operation.stack_name, operation.logical_id)):
        return
    properties = _without_own_tags(operation.properties)
    words = [
        *refusals(operation.resource_type, properties, registry.region(), operation.before),
        *(_place(registry, operation) if operation.resource_type == SUBNET else ()),
    ]
    against_the_schema = [one for one in words if one.startswith("#")]
    if against_the_schema:
        raise ValueError(
            f"Properties validation failed for resource {operation.logical_id} with message:\n"
            + "\n".join(against_the_schema)
        )
    if words:
        raise resource_error(words[0], "InvalidRequest")


def _without_own_tags(properties: Properties) -> Properties:
    """The properties without the tags that CloudFormation itself gives a resource."""
    own = "aws:cloudformation:"
    tags = properties.get("Tags")
    if isinstance(tags, list):
        tags = [one for one in tags if not str(one.get("Key", "")).startswith(own)]
    elif isinstance(tags, dict):
        tags = {key: value for key, value in tags.items() if not key.startswith(own)}
    return {**properties, "Tags": tags} if tags else {k: v for k, v in properties.items() if k != "Tags"}


def _place(registry: Registry, operation: ResourceOperation) -> Iterator[str]:
    """A new subnet's addresses beside those of its VPC and of the VPC's other subnets."""
    cidr, vpc_id = operation.properties.get("CidrBlock"), operation.properties.get("VpcId")
    if operation.before is not None and operation.before.get("CidrBlock") == cidr:
        return
    vpc = registry.records(VPC).get(str(vpc_id)) or {}
    subnets = registry.records(SUBNET).values()
    taken = [one.get("CidrBlock") for one in subnets if one.get("VpcId") == vpc_id]
    blocks = [one.get("CidrBlock") for one in vpc.get("CidrBlockAssociationSet") or [vpc]]
    yield from network.place(cidr, blocks, taken)
