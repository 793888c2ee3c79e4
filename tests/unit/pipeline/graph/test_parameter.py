"""What CloudFormation would refuse as a parameter's value is refused before it is asked."""

from typing import Any

import pytest

from pipeline.graph.parameter import Parameter


@pytest.mark.parametrize(
    ("kind", "rules", "value"),
    [
        ("String", {"AllowedValues": ["Snapshot", "Delete"]}, "Delete"),
        ("String", {"AllowedValues": [True, False]}, "true"),
        ("CommaDelimitedList", {"AllowedPattern": "[A-Z]+"}, "GET, HEAD,POST"),
        ("Number", {"MinValue": 1, "MaxValue": 10}, "10"),
        ("String", {"MinLength": 2, "MaxLength": 3}, "abc"),
        ("List<AWS::EC2::Subnet::Id>", {}, "subnet-1,subnet-2"),
        ("String", {"AllowedPattern": r"\p{L}+"}, "for Java's regular expressions to judge"),
        ("String", {"MinLength": "many"}, "for CloudFormation to judge"),
    ],
)
def test_a_value_within_the_rules_is_taken(kind: str, rules: dict[str, Any], value: str) -> None:
    assert Parameter("P", kind, None, rules).fault(value) is None


@pytest.mark.parametrize(
    ("kind", "rules", "value", "fault"),
    [
        ("String", {"AllowedValues": ["a", "b"]}, "c", "is 'c'; allowed are a, b"),
        ("CommaDelimitedList", {"AllowedPattern": "[A-Z]+"}, "GET,post", "is 'GET,post'; must match [A-Z]+"),
        ("Number", {}, "two", "is 'two'; must be a number"),
        ("Number", {"MinValue": 1}, "0", "is '0'; must be at least 1"),
        ("Number", {"MaxValue": 10}, "11", "is '11'; must be at most 10"),
        ("String", {"MinLength": 2}, "a", "is 'a'; needs at least 2 characters"),
        ("String", {"MaxLength": 2}, "abc", "is 'abc'; may have at most 2 characters"),
        (
            "String",
            {"AllowedPattern": "x", "ConstraintDescription": "an x and nothing else"},
            "y",
            "is 'y'; must match x (an x and nothing else)",
        ),
    ],
)
def test_a_value_outside_the_rules_is_refused_with_the_rule(
    kind: str, rules: dict[str, Any], value: str, fault: str
) -> None:
    assert fault == Parameter("P", kind, None, rules).fault(value)
