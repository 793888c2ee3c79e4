"""What a session may do, on which resources AWS asks that, and what is taken down of it."""

import json

import pytest

from local_aws.access import permissions
from local_aws.emulator import request as api_request
from local_aws.emulator.request import Request

PLACE = "eu-west-1:111111111111"


def request(action, key="ASIA1", resource="*", **parameters):
    service = action.partition(":")[0]
    return Request(service, action, parameters, resource, "eu-west-1", "111111111111", key, {})


@pytest.mark.parametrize(
    ("asked", "arns"),
    [
        (
            request(
                "ecs:DescribeServices", cluster="orders-dev", services=["a", "arn:x:service/orders-dev/b"]
            ),
            [f"arn:aws:ecs:{PLACE}:service/orders-dev/a", f"arn:aws:ecs:{PLACE}:service/orders-dev/b"],
        ),
        (
            request("ecs:DescribeTasks", cluster="arn:x:cluster/orders-dev", tasks=["1"]),
            [f"arn:aws:ecs:{PLACE}:task/orders-dev/1"],
        ),
        (
            request("ecs:RunTask", cluster="orders-dev", taskDefinition="orders-dev:3"),
            [f"arn:aws:ecs:{PLACE}:task-definition/orders-dev:3"],
        ),
        (
            request("ssm:GetParameters", Names=["/orders/dev/a", "b"]),
            [f"arn:aws:ssm:{PLACE}:parameter/orders/dev/a", f"arn:aws:ssm:{PLACE}:parameter/b"],
        ),
        (
            request("logs:GetLogEvents", logGroupName="/orders/dev"),
            [f"arn:aws:logs:{PLACE}:log-group:/orders/dev:*"],
        ),
        (
            request("cloudwatch:DescribeAlarms", AlarmNames=["orders-dev-a"]),
            [f"arn:aws:cloudwatch:{PLACE}:alarm:orders-dev-a"],
        ),
        (request("ecs:ContinueServiceDeployment", serviceDeploymentArn="arn:d"), ["arn:d"]),
        (request("cloudformation:DescribeStacks", resource="arn:s"), ["arn:s"]),
    ],
)
def test_an_action_is_judged_on_the_resources_that_aws_names_for_it(asked, arns):
    assert arns == permissions.resources(asked)


def test_only_sessions_are_judged(monkeypatch):
    monkeypatch.setattr(permissions, "may", lambda *_: False)

    assert permissions.judge(request("ssm:GetParameter", key="test")) is None


def test_everybody_may_ask_who_they_are(monkeypatch):
    monkeypatch.setattr(permissions, "may", lambda *_: False)

    assert permissions.judge(request("sts:GetCallerIdentity")) is None


def test_a_call_is_refused_when_one_of_its_resources_is_not_allowed(monkeypatch):
    monkeypatch.setattr(permissions, "may", lambda _, arn: arn.endswith("/mine"))
    monkeypatch.setattr(Request, "denied", lambda _, arn: (403, {}, arn.encode()))

    asked = request("ssm:GetParameters", Names=["/mine", "/yours"])

    assert (403, {}, f"arn:aws:ssm:{PLACE}:parameter/yours".encode()) == permissions.judge(asked)


def test_calls_are_taken_down_a_line_each(tmp_path, monkeypatch):
    monkeypatch.setattr(Request, "principal", "orders-plan")
    file = tmp_path / "calls.jsonl"

    permissions.record(request("ssm:GetParameters", Names=["/a", "/b"]), permissions.writer(file))

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [("orders-plan", "ssm:GetParameters")] * 2 == [(line["by"], line["action"]) for line in lines]
    assert [f"arn:aws:ssm:{PLACE}:parameter/{name}" for name in "ab"] == [line["resource"] for line in lines]


def test_a_signed_request_is_read_as_action_resource_and_caller():
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=ASIA1/20260101/eu-west-1/cloudformation/aws4_request",
        "content-type": "application/x-www-form-urlencoded",
    }
    body = b"Action=DescribeStacks&StackName=orders-dev-ecs-stack"

    read = api_request.read("cloudformation", "POST", "/", headers, body, {})

    assert ("cloudformation:DescribeStacks", "ASIA1", "eu-west-1") == (
        read.action,
        read.access_key,
        read.region,
    )
    assert read.resource.endswith(":stack/orders-dev-ecs-stack/*")
    assert read.in_session


def test_what_is_no_action_is_not_read():
    assert api_request.read("ecr", "GET", "/v2/", {}, b"", {}) is None
