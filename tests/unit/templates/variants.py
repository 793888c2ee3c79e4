"""A template as CloudFormation sees it once its parameters have decided every condition.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.templates.reading import reference, walk

_NOTHING = object()


def variants(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The template under every combination of values that its conditions tell apart."""
    deciding = _deciding_values(template)
    for values in itertools.product(*deciding.values()):
        yield chosen(template, dict(zip(deciding, values, strict=True)))


def chosen(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The template with these parameter values: no Fn::If left, and no resource whose condition is false."""
    known = {name: str(p["Default"]) for name, p in template.get("Parameters", {}).items() if "Default" in p}
    known |= {name: str(value) for name, value in values.items()}
    conditions = template.get("Conditions", {})
    holds = {name: _judge(expression, conditions, known) for name, expression in conditions.items()}
    kept = {
        name: resource
        for name, resource in template["Resources"].items()
        if holds.get(resource.get("Condition"), True)
    }
    parameters = {
        name: {**rules, "Chosen": known[name]} if name in known else rules
        for name, rules in template.get("Parameters", {}).items()
    }
    return {**template, "Parameters": parameters, "Resources": _decide(kept, holds), "Conditions": {}}


def said(template: Mapping[str, Any], value: Any) -> str:
    """A value of a chosen template, with a parameter's own value for a reference to it."""
    name = reference(value)
    return str(value if name is None else template["Parameters"][name]["Chosen"])


def _deciding_values(template: Mapping[str, Any]) -> dict[str, list[str]]:
    deciding: dict[str, set[str]] = {}
    for _, value in walk(template.get("Conditions", {})):
        if isinstance(value, dict) and "Fn::Equals" in value:
            names = [name for side in value["Fn::Equals"] if (name := reference(side))]
            literals = {str(side) for side in value["Fn::Equals"] if reference(side) is None}
            for name in names:
                rules = template["Parameters"][name]
                options = {str(v) for v in rules.get("AllowedValues", [rules["Default"]])}
                deciding.setdefault(name, set()).update(options | literals)
    return {name: sorted(values) for name, values in sorted(deciding.items())}


def _judge(expression: Any, conditions: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    ((function, operands),) = expression.items()
    match function:
        case "Condition":
            return _judge(conditions[operands], conditions, known)
        case "Fn::Not":
            return not _judge(operands[0], conditions, known)
        case "Fn::And":
            return all(_judge(operand, conditions, known) for operand in operands)
        case "Fn::Or":
            return any(_judge(operand, conditions, known) for operand in operands)
        case "Fn::Equals":
            left, right = (known[name] if (name := reference(side)) else str(side) for side in operands)
            return left == right
    raise ValueError(f"no condition function: {function}")


def _decide(value: Any, holds: Mapping[str, bool]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return _decide(then if holds[condition] else otherwise, holds)
        if reference(value) == "AWS::NoValue":
            return _NOTHING
        decided = {key: _decide(item, holds) for key, item in value.items()}
        return {key: item for key, item in decided.items() if item is not _NOTHING}
    if isinstance(value, list):
        return [item for item in (_decide(item, holds) for item in value) if item is not _NOTHING]
    return value
