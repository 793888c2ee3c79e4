"""Small stand-ins for AWS, written by hand: they keep state as AWS does, and nothing sleeps."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import requests
from botocore.exceptions import ClientError

from pipeline.waiting import Waiter, wait_until

STACK = "AWS::CloudFormation::Stack"
TAGS = {"managed-by": "slipway", "service": "orders", "environment": "dev"}
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def client_error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def http_date(when: datetime) -> str:
    return when.strftime("%a, %d %b %Y %H:%M:%S GMT")


class Time:
    """A clock that only sleeping moves; threads may share it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._moving = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._moving:
            self.now += seconds

    def wait(self, probe: Callable[[], Any], **options: Any) -> Any:
        return wait_until(probe, sleep=self.sleep, clock=self.clock, jitter=lambda: 0.0, **options)

    @property
    def waiter(self) -> Waiter:
        return Waiter(sleep=self.sleep, clock=self.clock, jitter=lambda: 0.0)


class Paginates:
    """`get_paginator` over a fake's own calls: page after page, each asked for when its turn comes."""

    def get_paginator(self, operation: str) -> SimpleNamespace:
        def paginate(**request: Any) -> Iterator[dict[str, Any]]:
            while True:
                answer = getattr(self, operation)(**request)
                yield answer
                more = {key: answer[key] for key in ("NextToken", "nextToken") if answer.get(key)}
                if not more:
                    return
                request |= more

        return SimpleNamespace(paginate=paginate)


class FakeCloudFormation(Paginates):
    """Stacks that move on each time they are looked at.

    ends: the statuses a stack goes through after its next operation; failures: what fails meanwhile;
    forgets_events_after: after so many looks at its events there is no such stack (-1: never).
    """

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.ahead: dict[str, list[str]] = {}
        self.failures: list[tuple[str, str, str]] = []
        self.changes: list[dict[str, Any]] = [
            {"ResourceChange": {"Action": "Add", "LogicalResourceId": "Thing", "ResourceType": "AWS::A::B"}}
        ]
        self.empty: set[str] = set()
        self.refusal: str | None = None
        self.findings: list[dict[str, Any]] = []
        self.forgets_events_after = -1
        self.next_ends: dict[str, list[str]] = {}
        self.outputs: dict[str, str] = {"Out": "1"}
        self.outputs_of: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, str] = {}
        self.resources: dict[str, tuple[str, str]] = {}
        self.deployed_template = ""
        self.policies: dict[str, list[dict[str, Any]]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._sets: dict[str, dict[str, Any]] = {}
        self._count = itertools.count(1)
        self.now = START

    def have(self, name: str, status: str, *then: str, outputs: dict[str, str] | None = None) -> str:
        stack_id = f"arn:aws:cloudformation:eu-west-1:000000000000:stack/{name}/{next(self._count)}"
        given = outputs or self.outputs_of.get(name, self.outputs)
        self.stacks[stack_id] = {
            "StackName": name,
            "StackId": stack_id,
            "StackStatus": status,
            "Body": self.bodies.get(name, "Resources: {}"),
            "CreationTime": START,
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in given.items()],
            "Tags": [
                {"Key": key, "Value": value}
                for key, value in TAGS.items()
                if key != "environment" or "-dev" in name
            ],
        }
        if status == "REVIEW_IN_PROGRESS":  # AWS gives it its tags once the change set is executed
            self.stacks[stack_id]["Tags"] = []
        self.ahead[stack_id] = list(then)
        self._events.setdefault(stack_id, [])
        self._event(stack_id, name, STACK, status)
        return stack_id

    # -- the calls ----------------------------------------------------------------------------------------

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        if "StackName" not in request:
            page = int(request.get("NextToken", "0"))
            every = list(self.stacks.values())
            more = {"NextToken": str(page + 1)} if page + 1 < len(every) else {}
            return {"Stacks": every[page : page + 1], **more}
        name = request["StackName"]
        stack = self._find(name)
        if stack is None:
            raise client_error("DescribeStacks", "ValidationError", f"Stack with id {name} does not exist")
        shown = dict(stack)
        if self.ahead[stack["StackId"]]:
            stack["StackStatus"] = self.ahead[stack["StackId"]].pop(0)
            self._event(stack["StackId"], stack["StackName"], STACK, stack["StackStatus"])
        return {"Stacks": [shown]}

    def get_template(self, **request: Any) -> dict[str, Any]:
        assert request["TemplateStage"] == "Original"
        stack = self._find(request["StackName"])
        assert stack is not None
        return {"TemplateBody": self.deployed_template or stack["Body"]}

    def describe_stack_events(self, **request: Any) -> dict[str, Any]:
        name = request["StackName"]
        if self.forgets_events_after == 0:
            raise client_error("DescribeStackEvents", "ValidationError", f"Stack [{name}] does not exist")
        self.forgets_events_after -= 1
        newest_first = list(reversed(self._events[name]))
        start = int(request.get("NextToken", "0"))
        answer: dict[str, Any] = {"StackEvents": newest_first[start : start + 3]}
        if start + 3 < len(newest_first):
            answer["NextToken"] = str(start + 3)
        return answer

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        name = request["StackName"]
        self.log.append(f"create_change_set {request['ChangeSetType']} {name}")
        self.last_request = request
        found = self._find(name)
        if found is None:
            assert request["ChangeSetType"] == "CREATE"
            stack_id = self.have(name, "REVIEW_IN_PROGRESS")
        else:
            assert (request["ChangeSetType"] == "CREATE") == (found["StackStatus"] == "REVIEW_IN_PROGRESS")
            stack_id = found["StackId"]
        arn = f"arn:aws:cloudformation:eu-west-1:000000000000:changeSet/{request['ChangeSetName']}/1"
        kind = request["ChangeSetType"]
        self._sets[arn] = {"Stack": stack_id, "Name": request["ChangeSetName"], "Type": kind}
        self._sets[arn]["Body"] = request.get("TemplateBody")
        self._sets[arn] |= {"Tags": request.get("Tags"), "CreationTime": self.now}
        return {"Id": arn, "StackId": stack_id}

    def describe_change_set(self, **request: Any) -> dict[str, Any]:
        name = self.stacks[request["StackName"]]["StackName"]
        if request["ChangeSetName"] not in self._sets:
            raise client_error("DescribeChangeSet", "ChangeSetNotFound", "There is no such change set")
        if self.refusal:
            return {"Status": "FAILED", "StatusReason": self.refusal}
        if name in self.empty:
            reason = "The submitted information didn't contain changes. Submit different information."
            return {"Status": "FAILED", "StatusReason": reason}
        if "NextToken" in request:
            return {"Status": "CREATE_COMPLETE", "Changes": self.changes[1:]}
        more = {"NextToken": "1"} if len(self.changes) > 1 else {}
        return {"Status": "CREATE_COMPLETE", "Changes": self.changes[:1], **more}

    def set_stack_policy(self, **request: Any) -> dict[str, Any]:
        name = self.stacks[request["StackName"]]["StackName"]
        self.policies.setdefault(name, []).append(json.loads(request["StackPolicyBody"]))
        return {}

    def describe_events(self, **request: Any) -> dict[str, Any]:
        assert request["ChangeSetName"] in self._sets
        return {"OperationEvents": self.findings}

    def delete_change_set(self, **request: Any) -> dict[str, Any]:
        self.log.append("delete_change_set")
        self._sets.pop(request["ChangeSetName"], None)
        return {}

    def list_change_sets(self, **request: Any) -> dict[str, Any]:
        found = self._find(request["StackName"])
        return {
            "Summaries": [
                {
                    "ChangeSetName": s["Name"],
                    "ChangeSetId": arn,
                    "StackId": s["Stack"],
                    "CreationTime": s["CreationTime"],
                }
                for arn, s in self._sets.items()
                if found and s["Stack"] == found["StackId"]
            ],
            "ResponseMetadata": {"HTTPHeaders": {"date": http_date(self.now)}},
        }

    def execute_change_set(self, **request: Any) -> dict[str, Any]:
        chosen = self._sets.pop(request["ChangeSetName"])
        stack = self.stacks[chosen["Stack"]]
        name, word = stack["StackName"], chosen["Type"]
        self.log.append(f"execute {name}")
        stack["StackStatus"] = f"{word}_IN_PROGRESS"
        stack["Body"] = chosen["Body"] or stack["Body"]
        stack["Tags"] = stack["Tags"] if chosen["Tags"] is None else chosen["Tags"]
        stack["LastUpdatedTime"] = START + timedelta(minutes=next(self._count))
        self._event(chosen["Stack"], name, STACK, stack["StackStatus"])
        for logical_id, kind, reason in self.failures:
            self._event(chosen["Stack"], logical_id, kind, f"{word}_FAILED", reason)
        self.ahead[chosen["Stack"]] = list(self.next_ends.get(name, [f"{word}_COMPLETE"]))
        return {}

    def delete_stack(self, **request: Any) -> dict[str, Any]:
        stack = self.stacks[request["StackName"]]
        self.log.append(f"delete {stack['StackName']}")
        self._sets = {arn: s for arn, s in self._sets.items() if s["Stack"] != stack["StackId"]}
        was = stack["StackStatus"]
        stack["StackStatus"] = "DELETE_IN_PROGRESS"
        for logical_id, kind, reason in self.failures if was != "REVIEW_IN_PROGRESS" else []:
            self._event(stack["StackId"], logical_id, kind, "DELETE_FAILED", reason)
        self.ahead[stack["StackId"]] = list(self.next_ends.get(stack["StackName"], ["DELETE_COMPLETE"]))
        return {}

    def describe_stack_resources(self, **request: Any) -> dict[str, Any]:
        if "LogicalResourceId" not in request:
            return {
                "StackResources": [
                    {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
                    for name, (kind, physical) in self.resources.items()
                ]
            }
        return {"StackResources": [{"PhysicalResourceId": f"physical-{request['LogicalResourceId']}"}]}

    def _find(self, name_or_id: str) -> dict[str, Any] | None:
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        alive = [
            s
            for s in self.stacks.values()
            if s["StackName"] == name_or_id and s["StackStatus"] != "DELETE_COMPLETE"
        ]
        return alive[-1] if alive else None

    def _event(self, stack_id: str, logical_id: str, kind: str, status: str, reason: str = "") -> None:
        number = next(self._count)
        self._events[stack_id].append(
            {
                "EventId": f"event-{number}",
                "StackId": stack_id,
                "Timestamp": START + timedelta(seconds=number),
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": stack_id if kind.endswith("::Stack") else f"physical-{logical_id}",
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
        )


class FakeSsm(Paginates):
    """Parameters as SSM keeps them; `now` is AWS's clock."""

    def __init__(self) -> None:
        self.history: dict[str, list[str]] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self.now = START

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        if request["Name"] in self.values and not request["Overwrite"]:
            raise client_error("PutParameter", "ParameterAlreadyExists", "The parameter already exists.")
        version = self.values.get(request["Name"], {}).get("Version", 0) + 1
        self.values[request["Name"]] = {**request, "LastModifiedDate": self.now, "Version": version}
        self.history.setdefault(request["Name"], []).append(request["Value"])
        del self.history[request["Name"]][:-100]
        return {"Version": version}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        if request["Name"] not in self.values:
            raise client_error("GetParameter", "ParameterNotFound", "")
        return {
            "Parameter": self.values[request["Name"]],
            "ResponseMetadata": {"HTTPHeaders": {"date": http_date(self.now)}},
        }

    def get_parameter_history(self, **request: Any) -> dict[str, Any]:
        if request["Name"] not in self.values:
            raise client_error("GetParameterHistory", "ParameterNotFound", "")
        start, every = int(request.get("NextToken", 0)), self.history[request["Name"]]
        more = {"NextToken": str(start + 50)} if start + 50 < len(every) else {}
        return {"Parameters": [{"Value": value} for value in every[start : start + 50]], **more}

    def get_parameters(self, **request: Any) -> dict[str, Any]:
        assert len(request["Names"]) <= 10
        assert not request["WithDecryption"]
        there = [name for name in request["Names"] if name in self.values]
        return {
            "Parameters": [
                {"LastModifiedDate": START, "Version": 1, **self.values[name], "Name": name} for name in there
            ],
            "InvalidParameters": [name for name in request["Names"] if name not in self.values],
        }

    def delete_parameter(self, **request: Any) -> dict[str, Any]:
        if self.values.pop(request["Name"], None) is None:
            raise client_error("DeleteParameter", "ParameterNotFound", "")
        return {}

    def delete_parameters(self, **request: Any) -> dict[str, Any]:
        assert len(request["Names"]) <= 10
        return {
            "DeletedParameters": [
                name for name in request["Names"] if self.values.pop(name, None) is not None
            ]
        }


class FakeAws:
    """Clients by service name, as pipeline.aws.Aws gives them."""

    region = "eu-west-1"
    calls = 7
    on_this_machine = False

    def __init__(self, **clients: Any) -> None:
        self._clients = clients

    def client(self, service: str) -> Any:
        return self._clients.get(service)


class FakeSts:
    def __init__(self, account: str = "0" * 12) -> None:
        self.account = account

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": self.account}


class FakeCloudTrail:
    """Knows of nothing."""

    def lookup_events(self, **_: Any) -> dict[str, Any]:
        return {"Events": []}


class FakeEcr:
    """Images: digest -> tags."""

    def __init__(self, **tag_to_digest: str) -> None:
        self.images = {digest: [tag] for tag, digest in tag_to_digest.items()}

    def describe_images(self, **request: Any) -> dict[str, Any]:
        spec = request["imageIds"][0]
        for digest, tags in self.images.items():
            if spec.get("imageDigest") == digest or spec.get("imageTag") in tags:
                return {"imageDetails": [{"imageDigest": digest, "imageTags": tags}]}
        raise client_error("DescribeImages", "ImageNotFoundException", "The image does not exist")

    def get_authorization_token(self, **_: Any) -> dict[str, Any]:
        return {"authorizationData": [{"authorizationToken": "QVdTOnRoZS1wYXNzd29yZA=="}]}


class Audience:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.checks: list[Any] = []

    def log(self, node: str) -> Callable[[str], None]:
        return lambda text: self.lines.append(f"{node}: {text}")

    def started(self, name: str) -> None:
        self.lines.append(f"{name} started")

    def ended(self, outcome: Any) -> None:
        self.lines.append(f"{outcome.name} {outcome.result.word if outcome.result else outcome.ending.value}")

    def checked(self, outcome: Any) -> None:
        self.checks.append(outcome)


class FakeHttp:
    """Answers by `METHOD path`; a list is answered one after the other, its last for ever."""

    def __init__(self, **_: Any) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.bodies: list[Any] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        path = url.removeprefix("http://lb")
        self.asked.append(f"{method} {path}")
        self.bodies.append(options.get("json"))
        assert not options["allow_redirects"]
        assert options["timeout"]
        answer = self.answers.get(f"{method} {path}", (404, {}, b"{}"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        response = requests.Response()
        response.status_code, response.reason = status, "reason"
        response.headers.update(headers)
        response._content = body
        return response


class FakeSession(FakeHttp):
    """A requests.Session whose service serves whatever version is asked for."""

    version = ""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {
            "GET /orders": (200, {"X-Service-Version": self.version}, b"[]"),
            "DELETE /orders": (405, {}, b""),
        }

    def __enter__(self) -> "FakeSession":
        return self

    def __exit__(self, *_: object) -> None: ...
