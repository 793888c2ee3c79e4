"""What ECS refuses before it acts on a request, in its words.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast

import botocore.session

from local_aws.cloudformation.template_text import text
from local_aws.elb.rules import weighted_target_groups
from local_aws.emulator.records import newest_revision
from local_aws.emulator.refusals import RefusedError, resource_error
from local_aws.emulator.registry import Handler, Registry, Response
from local_aws.shapes import LoadBalancer, TaskDefinition

Operation = Callable[[dict[str, Any]], dict[str, Any]]


def invalid(message: str) -> RefusedError:
    """ECS's refusal of a parameter."""
    return RefusedError("InvalidParameterException", message)


def answering(operation: Operation) -> Handler:
    """The operation as a handler that gives a response of the ECS API."""

    def respond(request: dict[str, Any]) -> Response:
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(operation(request)).encode()

    return respond


def as_resource_error(error: RefusedError, operation: str = "") -> ValueError:
    """A refusal in the words of CloudFormation's resource events. operation: "Create TaskDefinition: "."""
    return resource_error(
        f"Invalid request provided: {operation}{error.message} "
        f"(Service: AmazonECS; Status Code: 400; Error Code: {error.code}; Request ID: {uuid.uuid4()})",
        error.handler_code,
    )


def request_from(properties: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """A template's properties as the request of an operation, in the API's names and types.

    A property that the operation does not know is left out.
    """
    request: dict[str, Any] = _typed(properties, _service_model().operation_model(operation).input_shape)
    return request


@cache
def _service_model() -> Any:
    return botocore.session.get_session().get_service_model("ecs")


def _typed(value: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            given = {key.lower(): one for key, one in value.items()}
            return {
                name: _typed(given[name.lower()], member)
                for name, member in shape.members.items()
                if given.get(name.lower()) is not None
            }
        case "list":
            return [_typed(one, shape.member) for one in value]
        case "map":
            return {key: _typed(one, shape.value) for key, one in value.items()}
        case "integer" | "long":
            return int(value)
        case "double" | "float":
            return float(value)
        case "boolean":
            return str(value).lower() == "true"
    return text(value)


def name_in(reference: str) -> str:
    """The last part of an ARN, or the name itself."""
    return reference.rpartition("/")[2]


class Checks:
    """Checks requests against the records of clusters, task definitions, target groups and the network."""

    def __init__(self, registry: Registry) -> None:
        self._clusters = registry.records("AWS::ECS::Cluster")
        self._definitions = registry.records("AWS::ECS::TaskDefinition")
        self._target_groups = registry.records("AWS::ElasticLoadBalancingV2::TargetGroup")
        self._rules = registry.records("AWS::ElasticLoadBalancingV2::ListenerRule")
        self._subnets = registry.records("AWS::EC2::Subnet")
        self._security_groups = registry.records("AWS::EC2::SecurityGroup")

    def cluster_arn(self, reference: str | None) -> str:
        """The ARN of an active cluster."""
        cluster = self._clusters.get(name_in(reference or "default"))
        if cluster is None or cluster["status"] != "ACTIVE":
            raise RefusedError("ClusterNotFoundException", "Cluster not found.")
        return str(cluster["clusterArn"])

    def definition(self, reference: str) -> TaskDefinition:
        """An active task definition by ARN, family:revision or family."""
        name = name_in(reference)
        if ":" not in name:
            name = f"{name}:{newest_revision(name)}"
        found = self._definitions.get(name)
        if found is None:
            raise RefusedError("ClientException", "TaskDefinition not found.")
        definition = cast(TaskDefinition, found)
        if definition["status"] != "ACTIVE":
            raise RefusedError("ClientException", "TaskDefinition is inactive")
        return definition

    def load_balancers(self, load_balancers: Sequence[LoadBalancer], definition: TaskDefinition) -> None:
        """Refuse a target group that is unknown, unused, or names no container and port of the definition."""
        containers = {one["name"]: one for one in definition["containerDefinitions"]}
        for one in load_balancers:
            arn, name = one.get("targetGroupArn"), one.get("containerName")
            port = int(one.get("containerPort") or 0)
            group = self._target_groups.get(str(arn))
            if group is None:
                raise invalid(f"The target group {arn} does not exist.")
            if not group["LoadBalancerArns"]:
                raise invalid(
                    f"The target group with targetGroupArn {arn} does not have an associated load balancer."
                )
            if name not in containers:
                raise invalid(f"The container {name} does not exist in the task definition.")
            if port not in [int(m["containerPort"]) for m in containers[name].get("portMappings") or []]:
                raise invalid(f"The container {name} did not have a container port {port} defined.")

    def traffic(self, load_balancers: Sequence[LoadBalancer]) -> None:
        """Refuse target groups of a blue/green deployment that are unknown, or that no rule forwards to.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html
        """
        for one in load_balancers:
            advanced = one.get("advancedConfiguration") or {}
            alternate = advanced.get("alternateTargetGroupArn")
            if not alternate:
                continue
            if alternate not in self._target_groups:
                raise invalid(f"The target group {alternate} does not exist.")
            rule = self._rules.get(str(advanced.get("productionListenerRule"))) or {"Actions": []}
            tied = {group for action in rule["Actions"] for group, _ in weighted_target_groups(action)}
            if not advanced.get("testListenerRule") and not {one["targetGroupArn"], alternate} <= tied:
                raise invalid(
                    "For Application LoadBalancer, testListenerRule is required when productionListenerRule "
                    "is not associated with both targetGroup and alternateTargetGroup"
                )

    def network(self, network: Mapping[str, Any], definition: TaskDefinition) -> None:
        """Refuse an awsvpc task without subnets, or with unknown subnets or security groups."""
        if definition.get("networkMode") != "awsvpc":
            return
        awsvpc = network.get("awsvpcConfiguration") or {}
        if not awsvpc.get("subnets"):
            raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        for subnet in awsvpc["subnets"]:
            if subnet not in self._subnets:
                raise invalid(
                    f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not "
                    "exist (ErrorCode: InvalidSubnetID.NotFound)"
                )
        for group in awsvpc.get("securityGroups") or []:
            if group not in self._security_groups:
                raise invalid(
                    f"Error retrieving security group information for [{group}]: The security group "
                    f"'{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
                )
