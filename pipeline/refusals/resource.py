"""Everything that is refused about one resource: its schema, its tags, and the rules of its service."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.refusals import balancing, containers, databases, network, roles, schemas
from pipeline.refusals.values import mappings, number, text

Properties = Mapping[str, Any]
_TYPES: Mapping[str, Callable[[Properties], Iterator[str]]] = {
    "AWS::EC2::Route": network.route,
    "AWS::EC2::SecurityGroup": network.security_group,
    "AWS::EC2::SecurityGroupEgress": network.security_group_rule,
    "AWS::EC2::SecurityGroupIngress": network.security_group_rule,
    "AWS::EC2::VPC": network.vpc,
    "AWS::ECS::Cluster": containers.cluster,
    "AWS::ECS::Service": containers.service,
    "AWS::ECS::TaskDefinition": containers.task_definition,
    "AWS::ElasticLoadBalancingV2::Listener": balancing.listener,
    "AWS::ElasticLoadBalancingV2::ListenerRule": balancing.listener_rule,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": balancing.load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": balancing.target_group,
    "AWS::IAM::ManagedPolicy": roles.managed_policy,
    "AWS::IAM::Policy": roles.inline_policy,
    "AWS::IAM::Role": roles.role,
    "AWS::RDS::DBParameterGroup": databases.parameter_group,
    "AWS::RDS::DBSubnetGroup": databases.subnet_group,
}


def refusals(
    resource_type: str, properties: Properties, region: str, before: Properties | None = None
) -> list[str]:
    """AWS's words for each thing that it refuses. before: the properties in force, on an update."""
    return [
        *schemas.faults(resource_type, properties),
        *_tags(properties.get("Tags")),
        *_of_the_service(resource_type, properties, region, before),
    ]


def is_excused(resource: Mapping[str, Any]) -> bool:
    """Whether a resource's Metadata says `Slipway: {AwsTakes: why}`, because AWS is newer than the rules."""
    metadata = resource.get("Metadata")
    slipway = metadata.get("Slipway") if isinstance(metadata, dict) else None
    return isinstance(slipway, dict) and bool(slipway.get("AwsTakes"))


def _of_the_service(
    resource_type: str, properties: Properties, region: str, before: Properties | None
) -> Iterator[str]:
    rules = _TYPES.get(resource_type)
    if rules is not None:
        yield from rules(properties)
    match resource_type:
        case "AWS::RDS::DBInstance":
            yield from databases.instance(properties, before, region)
        case "AWS::EC2::Subnet":
            yield from network.subnet(properties, region)
        case "AWS::CloudWatch::Alarm":
            yield from _alarm(properties)
        case "AWS::SSM::Parameter":
            yield from _parameter(properties)
        case "AWS::ECR::Repository":
            yield from _lifecycle_policy(properties.get("LifecyclePolicy"))


def _tags(tags: Any) -> Iterator[str]:
    """https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
    keys = [key for one in mappings(tags) if (key := text(one.get("Key"))) is not None]
    for key in keys:
        if key.lower().startswith("aws:"):
            yield f"Tag keys starting with 'aws:' are reserved for system use ({key})"
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        yield f"Duplicate tag keys found. Please note that Tag keys are case sensitive. ({', '.join(twice)})"


def _alarm(properties: Properties) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    periods, needed = number(properties.get("EvaluationPeriods")), number(properties.get("DatapointsToAlarm"))
    if periods is not None and needed is not None and needed > periods:
        yield "DatapointsToAlarm must not be greater than EvaluationPeriods"
    seconds = number(properties.get("Period"))
    if periods is not None and seconds is not None:
        days = 7 if seconds >= 3600 else 1
        if periods * seconds > days * 86400:
            yield (
                f"Metrics cannot be checked across more than {'seven days' if days == 7 else 'a day'} "
                f"(EvaluationPeriods * Period must be <= {days * 86400})."
            )
    missing = text(properties.get("TreatMissingData"))
    if missing not in (None, "breaching", "notBreaching", "ignore", "missing"):
        yield f"TreatMissingData '{missing}' must be one of breaching, notBreaching, ignore, missing"
    if (text(properties.get("Namespace")) or "").startswith(":"):
        yield "The namespace must not begin with a colon"


def _parameter(properties: Properties) -> Iterator[str]:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"""
    name, value = text(properties.get("Name")), text(properties.get("Value"))
    if name is not None:
        if re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
            yield f"No access to reserved parameter name: {name}."
        if not re.fullmatch(r"[a-zA-Z0-9_./-]+", name) or ("/" in name and not name.startswith("/")):
            yield (
                "Parameter name must be a fully qualified name. Names have a-zA-Z0-9_.- and / between "
                "the parts of a path."
            )
        if name.count("/") > 15:
            yield "Parameter name exceeds the maximum of 15 levels."
    advanced = text(properties.get("Tier")) in ("Advanced", "Intelligent-Tiering")
    most = 8192 if advanced else 4096
    if value is not None and len(value.encode()) > most:
        yield f"Standard tier parameters support a maximum parameter value of {most} characters."


def _lifecycle_policy(policy: Any) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"""
    body = policy.get("LifecyclePolicyText") if isinstance(policy, dict) else None
    if not isinstance(body, str):
        return
    prefix = (
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        "'Lifecycle policy validation failure: "
    )
    try:
        rules = list(mappings(json.loads(body).get("rules")))
    except (ValueError, AttributeError):
        yield f"{prefix}the text is no JSON of rules'"
        return
    priorities = [one.get("rulePriority") for one in rules]
    if not rules or None in priorities or len(set(map(str, priorities))) < len(priorities):
        yield f"{prefix}each rule needs a rulePriority of its own'"
    for rule in rules:
        selection, action = rule.get("selection"), rule.get("action")
        if not isinstance(selection, dict) or not {"tagStatus", "countType", "countNumber"} <= set(selection):
            yield f"{prefix}a selection needs tagStatus, countType and countNumber'"
        elif selection["tagStatus"] == "tagged" and not {"tagPrefixList", "tagPatternList"} & set(selection):
            yield f"{prefix}tagStatus tagged needs tagPrefixList or tagPatternList'"
        if not isinstance(action, dict) or action.get("type") not in ("expire", "transition"):
            yield f"{prefix}the type of an action is expire'"
