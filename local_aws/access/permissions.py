"""A role's session may do what the role's policies allow; tests may ask for a record of all calls.

MiniStack evaluates the policies and the boundary of the role for a session that signed in with a token
(web_identity). All other credentials may do anything. CloudFormation's own calls in the name of a session are
not judged here: tests/unit/identity compares them with the permissions in the registry schemas of the
resource types.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

SLIPWAY_LOCAL_RECORD names a file that gets a JSON line per API call and per operation of CloudFormation on a
resource.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from local_aws.emulator.cloudformation import ResourceOperation, before_resource
from local_aws.emulator.registry import Registry
from local_aws.emulator.request import Request, Response, may
from local_aws.host import variables

Note = Callable[[Mapping[str, str]], None]

# "No permissions are required": https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
_FREE = "sts:GetCallerIdentity"


def register(registry: Registry) -> None:
    """Judge the calls of sessions. With SLIPWAY_LOCAL_RECORD, record all calls and resource operations."""
    if file := variables.read(os.environ).record:
        note = writer(file)
        registry.before_request(lambda request: record(request, note))
        before_resource(lambda operation: record_resource(operation, note))
    registry.before_request(judge)


def judge(request: Request) -> Response | None:
    """AWS's refusal when the session may not act on one of the resources in the request, else None."""
    if not request.in_session or request.action == _FREE:
        return None
    denied = [arn for arn in resources(request) if not may(request, arn)]
    return request.denied(denied[0]) if denied else None


def resources(request: Request) -> list[str]:
    """The ARNs that AWS compares with a policy's Resource, for the pipeline's requests; else a single *.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    asked, place = request.parameters, f"{request.region}:{request.account}"
    service, _, action = request.action.partition(":")
    cluster = str(asked.get("cluster", "")).rpartition("/")[2]
    match service, action:
        case "ecs", "DescribeServices":
            names = [str(name).rpartition("/")[2] for name in asked.get("services", [])]
            return [f"arn:aws:ecs:{place}:service/{cluster}/{name}" for name in names]
        case "ecs", "DescribeTasks":
            names = [str(name).rpartition("/")[2] for name in asked.get("tasks", [])]
            return [f"arn:aws:ecs:{place}:task/{cluster}/{name}" for name in names]
        case "ecs", "StopTask":
            return [f"arn:aws:ecs:{place}:task/{cluster}/{str(asked.get('task')).rpartition('/')[2]}"]
        case "ecs", "RunTask":
            definition = str(asked.get("taskDefinition"))
            if definition.startswith("arn:"):
                return [definition]
            revision = "" if ":" in definition else ":*"
            return [f"arn:aws:ecs:{place}:task-definition/{definition}{revision}"]
        case "ecs", "ListServiceDeployments":
            return [str(asked.get("service"))]
        case "ecs", "DescribeServiceDeployments":
            return [str(arn) for arn in asked.get("serviceDeploymentArns", [])]
        case "ecs", "DescribeServiceRevisions":
            return [str(arn) for arn in asked.get("serviceRevisionArns", [])]
        case "ecs", "ContinueServiceDeployment" | "StopServiceDeployment":
            return [str(asked.get("serviceDeploymentArn"))]
        case "ssm", "GetParameters" | "DeleteParameters":
            return [f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}" for name in asked.get("Names", [])]
        case "logs", "GetLogEvents" | "FilterLogEvents":
            return [f"arn:aws:logs:{place}:log-group:{asked.get('logGroupName')}:*"]
        case "cloudwatch", "DescribeAlarms":
            return [f"arn:aws:cloudwatch:{place}:alarm:{name}" for name in asked.get("AlarmNames", [])]
    return [request.resource]


def writer(file: Path) -> Note:
    """Append one JSON line for each note, also when two threads write at once."""
    lock = threading.Lock()

    def note(entry: Mapping[str, str]) -> None:
        with lock, file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")

    return note


def record(request: Request, note: Note) -> None:
    """Note an API call: the principal, the action, and each resource."""
    for resource in resources(request):
        note({"by": request.principal, "action": request.action, "resource": resource})


def record_resource(operation: ResourceOperation, note: Note) -> None:
    """Note an operation of CloudFormation on a resource, unless the operation changes nothing."""
    if not operation.changes_nothing:
        what = {"type": operation.resource_type, "operation": operation.kind}
        note({"stack": operation.stack_name, **what})
