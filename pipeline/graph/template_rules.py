"""The Rules of a template, judged as CloudFormation judges them, but before anything is touched.

A rule is YAML of any shape (Any). What is not shaped like a rule is left to CloudFormation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config.strict_yaml import as_text


def broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """The description of each assertion that does not hold for these parameter values.

    An assertion on a value that only the deploy or AWS knows is left to CloudFormation.
    """
    found: list[str] = []
    for name, rule in rules.items():
        try:
            found += _broken(name, rule, values)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return found


def condition(name: str, conditions: Mapping[str, Any], values: Mapping[str, str]) -> bool | None:
    """Whether a condition of the template holds; None where only CloudFormation can tell."""
    try:
        return _judge({"Condition": name}, values, conditions)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _broken(name: str, rule: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    if "RuleCondition" in rule and not _judge(rule["RuleCondition"], values):
        return
    for assertion in rule["Assertions"]:
        if _judge(assertion["Assert"], values) is False:
            yield str(assertion.get("AssertDescription", f"the rule {name} does not hold"))


def _judge(
    expression: Any, values: Mapping[str, str], conditions: Mapping[str, Any] | None = None
) -> bool | None:
    """Whether an expression holds; None where only CloudFormation can tell."""
    ((function, operands),) = expression.items()
    match function:
        case "Condition":
            return _judge((conditions or {})[operands], values, conditions)
        case "Fn::Equals":
            left, right = (_value(operand, values) for operand in operands)
            return None if left is None or right is None else left == right
        case "Fn::Contains":
            items, one = [_value(item, values) for item in operands[0]], _value(operands[1], values)
            return None if one is None or None in items else one in items
        case "Fn::Not":
            inner = _judge(operands[0], values, conditions)
            return None if inner is None else not inner
        case "Fn::And" | "Fn::Or":
            judged = {_judge(operand, values, conditions) for operand in operands}
            decides = function == "Fn::Or"
            return decides if decides in judged else None if None in judged else not decides
    return None


def _value(operand: Any, values: Mapping[str, str]) -> str | None:
    if not isinstance(operand, dict):
        return as_text(operand)
    return values.get(operand["Ref"]) if set(operand) == {"Ref"} else None
