"""The resources of a template with the parameter values that are known before a deploy.

What only the deploy or AWS knows becomes Unknown: an output of another stack, an attribute, a secret.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from itertools import islice
from typing import Any

from pipeline.config.strict_yaml import as_text
from pipeline.refusals.values import UNKNOWN, Unknown, text

_NOTHING = object()
_VARIABLE = re.compile(r"\$\{(!?[^}]*)\}")


def resources(content: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Logical id -> the resource with its values, without the resources whose condition does not hold.

    values: of parameters and pseudo parameters, as far as they are known. A resource whose condition is
    unknown is left out.
    """
    resolver = _Resolver(content, values)
    found = {}
    for name, resource in content["Resources"].items():
        if isinstance(resource, dict) and resolver.holds(resource.get("Condition")) is True:
            properties = resolver.value(resource.get("Properties") or {})
            found[name] = {**resource, "Properties": properties if isinstance(properties, dict) else {}}
    return found


class _Resolver:
    def __init__(self, content: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._conditions: Mapping[str, Any] = content.get("Conditions") or {}
        self._mappings: Mapping[str, Any] = content.get("Mappings") or {}
        self._lists = {
            name
            for name, rules in (content.get("Parameters") or {}).items()
            if isinstance(rules, dict) and "List" in str(rules.get("Type"))
        }
        self._values = values
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Cidr": self._cidr,
            "Fn::FindInMap": self._find,
        }

    def value(self, raw: Any) -> Any:
        """The value of anything in a template."""
        if isinstance(raw, list):
            return [one for one in map(self.value, raw) if one is not _NOTHING]
        if isinstance(raw, str):
            return Unknown(raw) if "{{resolve:" in raw else raw
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1 and (name := next(iter(raw))) in self._functions:
            return self._functions[name](raw[name])
        if any(str(key).startswith("Fn::") for key in raw):
            return UNKNOWN
        found = {key: self.value(one) for key, one in raw.items()}
        return {key: one for key, one in found.items() if one is not _NOTHING}

    def holds(self, condition: Any) -> bool | None:
        """Whether a condition holds, by its name or as an expression; None where that is unknown."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self._conditions.get(condition, {}))
        match condition:
            case {"Condition": name}:
                return self.holds(name)
            case {"Fn::Not": [inner]}:
                verdict = self.holds(inner)
                return None if verdict is None else not verdict
            case {"Fn::And": list(parts)}:
                verdicts = [self.holds(part) for part in parts]
                return False if False in verdicts else None if None in verdicts else True
            case {"Fn::Or": list(parts)}:
                verdicts = [self.holds(part) for part in parts]
                return True if True in verdicts else None if None in verdicts else False
            case {"Fn::Equals": [left, right]}:
                one, other = text(self.value(left)), text(self.value(right))
                return None if one is None or other is None else one == other
        return None

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        known = self._values.get(str(name))
        if known is None:
            return Unknown(f"${{{name}}}")
        return [part.strip() for part in known.split(",")] if name in self._lists else known

    def _attribute(self, of: Any) -> Unknown:
        return Unknown(f"${{{of if isinstance(of, str) else '.'.join(map(str, of))}}}")

    def _sub(self, given: Any) -> Any:
        template, own = given if isinstance(given, list) else (given, {})
        variables = {name: self.value(one) for name, one in own.items()}

        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            found = variables.get(name, self._ref(name))
            return found.words if isinstance(found, Unknown) else text(found) or f"${{{name}}}"

        words = _VARIABLE.sub(put, str(template))
        return Unknown(words) if "${" in words or "{{resolve:" in words else words

    def _join(self, given: Any) -> Any:
        separator, parts = given[0], self.value(given[1])
        if not isinstance(parts, list):
            return UNKNOWN
        words = separator.join(one.words if isinstance(one, Unknown) else as_text(one) for one in parts)
        return Unknown(words) if any(isinstance(one, Unknown) for one in parts) else words

    def _if(self, given: Any) -> Any:
        name, then, otherwise = given
        verdict = self.holds(name)
        return UNKNOWN if verdict is None else self.value(then if verdict else otherwise)

    def _select(self, given: Any) -> Any:
        index, items = text(self.value(given[0])), self.value(given[1])
        if index is None or not isinstance(items, list) or not int(index) < len(items):
            return UNKNOWN
        return items[int(index)]

    def _split(self, given: Any) -> Any:
        whole = self.value(given[1])
        return whole.split(given[0]) if isinstance(whole, str) else UNKNOWN

    def _cidr(self, given: Any) -> Any:
        block, count, bits = (*map(text, map(self.value, given)), "")[:3]
        try:
            network = ip_network(str(block))
            return [
                str(one) for one in islice(network.subnets(new_prefix=32 - int(bits or 0)), int(str(count)))
            ]
        except ValueError:
            return UNKNOWN

    def _find(self, given: Any) -> Any:
        found: Any = self._mappings
        for key in given[:3]:
            name = text(self.value(key))
            found = found.get(name) if isinstance(found, dict) and name is not None else None
        return UNKNOWN if found is None else found
