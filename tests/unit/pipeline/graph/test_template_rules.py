"""A template's Rules are judged before any AWS call, as far as the values are known."""

from typing import Any

import pytest

from pipeline.graph import template, template_rules

VALUES = {"Size": "small", "Count": "2"}


def said(rule: dict[str, Any]) -> list[str]:
    return template_rules.broken({"R": rule}, VALUES)


def asserting(expression: Any) -> dict[str, Any]:
    return {"Assertions": [{"Assert": expression, "AssertDescription": "no"}]}


SMALL, LARGE = ({"Fn::Equals": [{"Ref": "Size"}, size]} for size in ("small", "large"))
UNKNOWN = {"Fn::Equals": [{"Ref": "VpcId"}, "vpc-1"]}


@pytest.mark.parametrize(
    "expression",
    [
        SMALL,
        {"Fn::Not": [LARGE]},
        {"Fn::And": [SMALL, {"Fn::Contains": [[1, 2], {"Ref": "Count"}]}]},
        {"Fn::Or": [LARGE, UNKNOWN, SMALL]},
        {"Fn::Equals": [True, "true"]},
    ],
)
def test_an_assertion_that_holds_says_nothing(expression: Any) -> None:
    assert [] == said(asserting(expression))


@pytest.mark.parametrize(
    "expression",
    [
        LARGE,
        {"Fn::Not": [SMALL]},
        {"Fn::And": [SMALL, UNKNOWN, LARGE]},
        {"Fn::Or": [LARGE, LARGE]},
        {"Fn::Contains": [["3", "4"], {"Ref": "Count"}]},
    ],
)
def test_an_assertion_that_does_not_hold_is_told(expression: Any) -> None:
    assert ["no"] == said(asserting(expression))


@pytest.mark.parametrize(
    "expression",
    [
        UNKNOWN,
        {"Fn::Not": [UNKNOWN]},
        {"Fn::And": [SMALL, UNKNOWN]},
        {"Fn::Or": [LARGE, UNKNOWN]},
        {"Fn::Contains": [["a"], {"Ref": "VpcId"}]},
        {"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, {"Ref": "VpcId"}]},
        {"Fn::EachMemberIn": [["a"], ["b"]]},
        "true",
        {"Fn::Equals": ["a"]},
    ],
)
def test_what_is_not_known_or_no_rule_is_left_to_cloudformation(expression: Any) -> None:
    assert [] == said(asserting(expression))


def test_a_rule_is_judged_where_its_condition_holds() -> None:
    conditions = (SMALL, LARGE, UNKNOWN)

    assert [["no"], [], []] == [said({"RuleCondition": c, **asserting(LARGE)}) for c in conditions]


def test_a_rule_without_words_is_told_by_its_name() -> None:
    assert ["the rule R does not hold"] == said({"Assertions": [{"Assert": LARGE}]})


def test_a_template_brings_its_rules_written_out() -> None:
    text = "Rules: {R: {Assertions: [{Assert: !Not [!Equals [!Ref Size, small]]}]}}\n"
    parsed = template.parse("a", "infra/a.yaml", text + "Resources: {A: {Type: 'AWS::SNS::Topic'}}\n")

    assert {"R": {"Assertions": [{"Assert": {"Fn::Not": [SMALL]}}]}} == parsed.rules
