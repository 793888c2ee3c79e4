"""The local AWS refuses a property that it does not act on, instead of recording what nothing follows from.

supported_properties.yaml holds each property of the resource types whose behaviour is the local AWS's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from local_aws.elb.actions import nested
from local_aws.emulator.cloudformation import ResourceOperation, before_resource
from local_aws.emulator.registry import RefusedError, Registry
from local_aws.emulator.request import Request

FILE = Path(__file__).with_suffix(".yaml")
Kind = Literal["acted", "recorded", "refused"]

# Operation -> the resource type whose properties it takes, and its own names of properties.
OPERATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ecs:RegisterTaskDefinition": ("AWS::ECS::TaskDefinition", {}),
    "ecs:CreateService": ("AWS::ECS::Service", {"placementStrategy": "PlacementStrategies"}),
    "ecs:UpdateService": ("AWS::ECS::Service", {"placementStrategy": "PlacementStrategies"}),
    "ecs:RunTask": ("AWS::ECS::Service", {"placementStrategy": "PlacementStrategies"}),
    "ecs:CreateCluster": ("AWS::ECS::Cluster", {}),
    "ecs:UpdateCluster": ("AWS::ECS::Cluster", {}),
    "elasticloadbalancing:CreateLoadBalancer": ("AWS::ElasticLoadBalancingV2::LoadBalancer", {}),
    "elasticloadbalancing:ModifyLoadBalancerAttributes": (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"Attributes": "LoadBalancerAttributes"},
    ),
    "elasticloadbalancing:CreateListener": ("AWS::ElasticLoadBalancingV2::Listener", {}),
    "elasticloadbalancing:ModifyListener": ("AWS::ElasticLoadBalancingV2::Listener", {}),
    "elasticloadbalancing:ModifyListenerAttributes": (
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Attributes": "ListenerAttributes"},
    ),
    "elasticloadbalancing:CreateRule": ("AWS::ElasticLoadBalancingV2::ListenerRule", {}),
    "elasticloadbalancing:ModifyRule": ("AWS::ElasticLoadBalancingV2::ListenerRule", {}),
    "elasticloadbalancing:CreateTargetGroup": ("AWS::ElasticLoadBalancingV2::TargetGroup", {}),
    "elasticloadbalancing:ModifyTargetGroup": ("AWS::ElasticLoadBalancingV2::TargetGroup", {}),
    "elasticloadbalancing:ModifyTargetGroupAttributes": (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"Attributes": "TargetGroupAttributes"},
    ),
    "rds:CreateDBCluster": ("AWS::RDS::DBCluster", {}),
    "rds:CreateDBClusterParameterGroup": ("AWS::RDS::DBClusterParameterGroup", {}),
    "rds:CreateDBInstance": ("AWS::RDS::DBInstance", {}),
    "rds:ModifyDBInstance": ("AWS::RDS::DBInstance", {}),
    "cloudwatch:PutMetricAlarm": ("AWS::CloudWatch::Alarm", {}),
}
# Each service's code for a parameter that it refuses.
CODES = {
    "ecs": "InvalidParameterException",
    "elasticloadbalancing": "ValidationError",
    "rds": "InvalidParameterValue",
    "cloudwatch": "ValidationError",
}


@dataclass(frozen=True)
class Support:
    """What the local AWS does with a property. values: those that are taken, where it is refused."""

    path: str
    kind: Kind
    values: tuple[str, ...] = ()


@cache
def supported() -> Mapping[str, Mapping[str, Support]]:
    """Resource type -> the property's path in lower case -> what the local AWS does with it.

    A type that is refused as a whole has no properties.
    """
    return {
        name: {}
        if rows == "refused"
        else {
            **{path.lower(): Support(path, "acted") for path in rows["acted"].split()},
            **{path.lower(): Support(path, "recorded") for path in rows["recorded"].split()},
            **{path.lower(): Support(path, "refused", tuple(v)) for path, v in rows["refused"].items()},
        }
        for name, rows in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
    }


def register(registry: Registry) -> None:
    """Refuse before CloudFormation or an operation creates or changes a resource."""
    before_resource(refuse_resource)
    registry.before_request(refuse_request)


def refuse_resource(operation: ResourceOperation) -> None:
    """Raise ValueError when the properties of a resource hold what the local AWS does not do."""
    if operation.kind == "delete" or operation.changes_nothing:
        return
    if words := refusal(operation.resource_type, operation.properties):
        raise ValueError(words)


def refuse_request(request: Request) -> None:
    """Raise RefusedError when the parameters of an operation hold what the local AWS does not do."""
    if request.action not in OPERATIONS:
        return
    resource_type, own_names = OPERATIONS[request.action]
    service = request.action.partition(":")[0]
    # A form is text alone; a document, as ECS and CloudWatch take it, has its shape already.
    form = {name: value for name, value in request.parameters.items() if isinstance(value, str)}
    document = {name: value for name, value in request.parameters.items() if name not in form}
    given = request.parameters if service == "ecs" else {**nested(form), **document}
    properties = {own_names.get(name, name): value for name, value in given.items()}
    if words := refusal(resource_type, properties):
        raise RefusedError(CODES[service], words)


def refusal(resource_type: str, properties: Mapping[str, Any]) -> str | None:
    """Why the local AWS refuses these properties, None when it does not. Names may begin in lower case."""
    rows = supported().get(resource_type)
    if rows is None:
        return None
    if not rows:
        return f"the local AWS does not do {resource_type}; see docs/local-aws.md"
    for path, value in leaves(properties):
        row = row_for(rows, path)
        if row is None or row.kind != "refused" or (row.path.lower() == path.lower() and value in row.values):
            continue
        told = f"{row.path} {value}, only {' or '.join(row.values)}" if row.values else row.path
        if (
            not row.values
            and path.lower() != row.path.lower()
            and row.path.endswith(("Attributes", "Options"))
        ):
            told = path
        return f"the local AWS does not do {told} of {resource_type}; see docs/local-aws.md"
    return None


def row_for(rows: Mapping[str, Support], path: str) -> Support | None:
    """The longest row that is the property, or what the property is below."""
    parts = path.lower().split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((rows[one] for one in prefixes if one in rows), None)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of each value, with the value as text. An attribute's Key belongs to its path."""
    if isinstance(value, Mapping):
        if path.endswith("Attributes") and "Key" in value:
            yield from leaves(value.get("Value", ""), f"{path}.{value['Key']}")
            return
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
