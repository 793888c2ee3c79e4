"""Which rule of a listener matches a request, and which target group its action chooses: pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from local_aws.shapes import Action

Condition = Mapping[str, Any]
Rule = Mapping[str, Any]

VALUES_PER_CONDITION = 3
VALUES_PER_RULE = 5
ONCE_PER_RULE = ("http-request-method", "host-header", "path-pattern", "source-ip")
TYPED_VALUES = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
}


@dataclass(frozen=True)
class Request:
    """A request for rules. Header names are lower case; a header or query key may come more than once."""

    method: str
    path: str
    source_ip: str
    headers: Sequence[tuple[str, str]] = ()
    query: Sequence[tuple[str, str]] = ()

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


def values_of(condition: Condition) -> list[Any]:
    """The values of a condition, from its typed config or from Values."""
    typed = condition.get(TYPED_VALUES.get(condition.get("Field", ""), "")) or {}
    return list(typed.get("Values") or condition.get("Values") or [])


def matches(condition: Condition, request: Request) -> bool:
    """Whether the request matches one of the condition's values."""
    field, values = condition.get("Field"), values_of(condition)
    if field == "http-request-method":
        return request.method in values
    if field == "path-pattern":
        return any(_like(value).match(request.path) for value in values)
    if field == "host-header":
        hosts = [host.rpartition(":")[0] or host for host in request.header("host")]
        return any(_like(value, any_case=True).match(host) for value in values for host in hosts)
    if field == "http-header":
        given = request.header((condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName", ""))
        return any(_like(value, any_case=True).match(one) for value in values for one in given)
    if field == "query-string":
        return any(_query_matches(value, request.query) for value in values)
    if field == "source-ip":
        return any(ip_address(request.source_ip) in ip_network(value, strict=False) for value in values)
    return False


def rule_for(rules: Iterable[Rule], request: Request) -> Rule | None:
    """The first rule by priority whose conditions all match the request; the default rule is last."""
    for rule in sorted(rules, key=_order):
        if rule.get("IsDefault") or all(matches(one, request) for one in rule.get("Conditions") or []):
            return rule
    return None


def weighted_target_groups(action: Action) -> list[tuple[str, int]]:
    """The target groups of a forward action with their weights; a single target group has weight 1."""
    several = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if several:
        return [(one["TargetGroupArn"], int(one.get("Weight", 1))) for one in several]
    return [(action["TargetGroupArn"], 1)] if action.get("TargetGroupArn") else []


def choose(groups: Sequence[tuple[str, int]], pick: Callable[[int], int]) -> str | None:
    """One target group by weight, None when every weight is 0. pick(n) gives a number from 0 to n-1."""
    total = sum(weight for _, weight in groups)
    if not total:
        return None
    number = pick(total)
    for arn, weight in groups:
        if number < weight:
            return arn
        number -= weight
    raise ValueError(f"pick({total}) gave {number + total}")


def refusal(conditions: Sequence[Condition]) -> str | None:
    """Why AWS refuses these conditions, in its words; None when AWS accepts them.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
    """
    if not conditions:
        return "A condition must be specified"
    fields = [condition.get("Field", "") for condition in conditions]
    for field in fields:
        if field not in TYPED_VALUES:
            return f"Condition field '{field}' must be one of '[{', '.join(sorted(TYPED_VALUES))}]'"
        if field in ONCE_PER_RULE and fields.count(field) > 1:
            return f"A rule can only have one '{field}' condition"
    counts = [len(values_of(condition)) for condition in conditions]
    if 0 in counts:
        return f"A condition value must be specified for '{fields[counts.index(0)]}'"
    if sum(counts) > VALUES_PER_RULE:
        return f"A rule can only have '{VALUES_PER_RULE}' condition values"
    if max(counts) > VALUES_PER_CONDITION:
        return f"A condition can only have '{VALUES_PER_CONDITION}' condition values"
    for condition, field in zip(conditions, fields, strict=True):
        if field == "http-request-method":
            for value in values_of(condition):
                if not re.fullmatch(r"[A-Z_-]{1,40}", value):
                    return f"The HTTP method '{value}' is not valid"
    return None


def _order(rule: Rule) -> tuple[bool, int]:
    default = bool(rule.get("IsDefault"))
    return default, 0 if default else int(rule["Priority"])


def _query_matches(wanted: Any, query: Sequence[tuple[str, str]]) -> bool:
    if isinstance(wanted, str):
        key, _, value = wanted.rpartition("=")
        wanted = {"Key": key, "Value": value}
    name = _like(wanted.get("Key") or "*", any_case=True)
    content = _like(wanted.get("Value", ""), any_case=True)
    return any(name.match(key) and content.match(value) for key, value in query)


@lru_cache(maxsize=512)
def _like(pattern: str, any_case: bool = False) -> re.Pattern[str]:
    regex = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(regex + r"\Z", re.DOTALL | (re.IGNORECASE if any_case else 0))
