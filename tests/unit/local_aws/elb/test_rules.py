"""Listener rules: which one a request meets, where it leads, and what AWS would not take."""

from typing import Any

import pytest

from local_aws.elb.rules import Request, choose, matches, refusal, rule_for, weighted_target_groups

GET_ORDERS = Request(
    method="GET",
    path="/orders/7",
    source_ip="203.0.113.9",
    headers=[("host", "Shop.example:8080"), ("x-test", "Blue One"), ("x-test", "two")],
    query=[("limit", "10"), ("Kind", "tea")],
)


def typed(field: str, config: str, *values: Any, **more: str) -> dict[str, Any]:
    return {"Field": field, config: {"Values": list(values), **more}}


def methods(*values: str) -> dict[str, Any]:
    return typed("http-request-method", "HttpRequestMethodConfig", *values)


def header(name: str, *values: str) -> dict[str, Any]:
    return typed("http-header", "HttpHeaderConfig", *values, HttpHeaderName=name)


def query(**pair: str) -> dict[str, Any]:
    return typed("query-string", "QueryStringConfig", pair)


@pytest.mark.parametrize(
    "condition",
    [
        methods("POST", "GET"),
        {"Field": "path-pattern", "Values": ["/carts", "/orders/?"]},
        typed("path-pattern", "PathPatternConfig", "/ord*"),
        typed("host-header", "HostHeaderConfig", "*.EXAMPLE"),
        header("X-Test", "blue *"),
        header("x-test", "TWO"),
        query(Key="limit", Value="1?"),
        query(Value="TEA"),
        query(Key="kind", Value="*"),
        typed("source-ip", "SourceIpConfig", "198.51.100.0/24", "203.0.113.0/24"),
    ],
    ids=str,
)
def test_a_condition_is_met_by_any_of_its_values(condition: dict[str, Any]) -> None:
    assert matches(condition, GET_ORDERS)


@pytest.mark.parametrize(
    "condition",
    [
        methods("get"),
        typed("path-pattern", "PathPatternConfig", "/Orders/*"),
        typed("path-pattern", "PathPatternConfig", "/orders"),
        typed("path-pattern", "PathPatternConfig", "/orders/[0-9]"),
        typed("host-header", "HostHeaderConfig", "example"),
        header("x-absent", "*"),
        header("x-test", "blue"),
        query(Key="limit", Value="1"),
        typed("source-ip", "SourceIpConfig", "203.0.113.8/32"),
    ],
    ids=str,
)
def test_a_condition_is_not_met_by_something_close(condition: dict[str, Any]) -> None:
    assert not matches(condition, GET_ORDERS)


def test_the_rule_with_the_lowest_priority_number_wins_and_the_default_comes_last() -> None:
    default = {"IsDefault": True, "Priority": "default"}
    late = {"Priority": "20", "Conditions": [methods("GET")]}
    early = {"Priority": "9", "Conditions": [methods("GET")]}
    strict = {"Priority": "1", "Conditions": [methods("GET"), header("x-test", "three")]}

    assert early is rule_for([default, late, early, strict], GET_ORDERS)
    assert default is rule_for([default, {"Priority": "1", "Conditions": [methods("POST")]}], GET_ORDERS)
    assert rule_for([], GET_ORDERS) is None


def test_a_forward_shares_requests_by_weight() -> None:
    action = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": "blue", "Weight": 90},
                {"TargetGroupArn": "green", "Weight": 10},
            ]
        },
    }
    groups = weighted_target_groups(action)

    chosen = [choose(groups, lambda _, number=number: number) for number in range(100)]

    assert [90, 10] == [chosen.count("blue"), chosen.count("green")]


def test_a_target_group_of_weight_zero_gets_nothing() -> None:
    assert choose([("blue", 0), ("green", 1)], lambda _: 0) == "green"
    assert choose([("blue", 0), ("green", 0)], lambda _: 0) is None


def test_a_plain_forward_is_one_target_group_of_weight_one() -> None:
    assert [("blue", 1)] == weighted_target_groups({"Type": "forward", "TargetGroupArn": "blue"})


@pytest.mark.parametrize(
    ("words", "conditions"),
    [
        ("A condition can only have '3' condition values", [methods("GET", "HEAD", "POST", "PUT")]),
        (
            "A rule can only have '5' condition values",
            [
                methods("GET", "HEAD", "POST"),
                typed("path-pattern", "PathPatternConfig", "/a", "/b"),
                header("x-a", "1"),
            ],
        ),
        ("A rule can only have one 'http-request-method' condition", [methods("GET"), methods("POST")]),
        ("The HTTP method 'get' is not valid", [methods("get")]),
        ("A condition value must be specified for 'http-request-method'", [methods()]),
        ("A condition must be specified", []),
    ],
)
def test_what_aws_refuses_is_refused_with_its_reason(words: str, conditions: list[dict[str, Any]]) -> None:
    assert words == refusal(conditions)


def test_three_methods_and_two_headers_are_allowed() -> None:
    assert refusal([methods("GET", "HEAD", "POST"), header("x-a", "1"), header("x-b", "1")]) is None
