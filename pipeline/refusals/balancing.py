"""What Elastic Load Balancing refuses about an Application Load Balancer and what stands behind it.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.refusals.values import mappings, number, text

_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)")
_CONTENT_TYPES = ("application/javascript", "application/json", "text/css", "text/html", "text/plain")
_CODES = re.compile(r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*")
# Attribute -> its smallest and greatest number, None for an attribute with words.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
_GROUP_ATTRIBUTES: Mapping[str, tuple[int, int] | None] = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "slow_start.duration_seconds": (0, 900),
    "stickiness.enabled": None,
    "stickiness.type": None,
    "stickiness.lb_cookie.duration_seconds": (1, 604800),
    "stickiness.app_cookie.cookie_name": None,
    "stickiness.app_cookie.duration_seconds": (1, 604800),
    "load_balancing.algorithm.type": None,
    "load_balancing.algorithm.anomaly_mitigation": None,
    "load_balancing.cross_zone.enabled": None,
}
_GROUP_PREFIXES = (
    "target_group_health.",
    "target_health_state.",
    "target_failover.",
    "lambda.",
    "preserve_",
    "proxy_",
)
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
_BALANCER_ATTRIBUTES: Mapping[str, tuple[int, int] | None] = {
    "deletion_protection.enabled": None,
    "idle_timeout.timeout_seconds": (1, 4000),
    "client_keep_alive.seconds": (60, 604800),
    "ipv6.deny_all_igw_traffic": None,
    "load_balancing.cross_zone.enabled": None,
    "waf.fail_open.enabled": None,
    "zonal_shift.config.enabled": None,
}
_BALANCER_PREFIXES = (
    "access_logs.",
    "connection_logs.",
    "health_check_logs.",
    "routing.http",
    "dns_record.",
    "minimum_",
)


def target_group(properties: Mapping[str, Any]) -> Iterator[str]:
    """What is refused about AWS::ElasticLoadBalancingV2::TargetGroup."""
    yield from _name("Target group", properties)
    interval = number(properties.get("HealthCheckIntervalSeconds"))
    timeout = number(properties.get("HealthCheckTimeoutSeconds"))
    if interval is not None and timeout is not None and timeout >= interval:
        yield (f"Health check timeout '{timeout:g}' must be smaller than the interval '{interval:g}'")
    path = text(properties.get("HealthCheckPath"))
    if path is not None and not path.startswith("/"):
        yield f"Health check path '{path}' must begin with a '/' character"
    matcher = properties.get("Matcher")
    codes = text(matcher.get("HttpCode")) if isinstance(matcher, dict) else None
    if codes is not None and not _codes(codes):
        yield f"Health check matcher HTTP code '{codes}' must be within '200-499'"
    yield from _attributes(
        "Target group", properties.get("TargetGroupAttributes"), _GROUP_ATTRIBUTES, _GROUP_PREFIXES
    )


def load_balancer(properties: Mapping[str, Any]) -> Iterator[str]:
    """What is refused about AWS::ElasticLoadBalancingV2::LoadBalancer."""
    yield from _name("Load balancer", properties)
    if (text(properties.get("Name")) or "").startswith("internal-"):
        yield "The load balancer name cannot begin with 'internal-'"
    if properties.get("Type", "application") == "application":
        yield from _attributes(
            "Load balancer",
            properties.get("LoadBalancerAttributes"),
            _BALANCER_ATTRIBUTES,
            _BALANCER_PREFIXES,
        )


def listener(properties: Mapping[str, Any]) -> Iterator[str]:
    """What is refused about AWS::ElasticLoadBalancingV2::Listener."""
    if text(properties.get("Protocol")) == "HTTP" and properties.get("Certificates"):
        yield "Certificates cannot be specified for HTTP listeners"
    yield from _actions(properties.get("DefaultActions"))


def listener_rule(properties: Mapping[str, Any]) -> Iterator[str]:
    """What is refused about AWS::ElasticLoadBalancingV2::ListenerRule."""
    priority = number(properties.get("Priority"))
    if priority is not None and not 1 <= priority <= 50000:
        yield f"Priority '{priority:g}' must be between 1 and 50000"
    yield from _actions(properties.get("Actions"))
    for condition in mappings(properties.get("Conditions")):
        if text(condition.get("Field")) == "path-pattern":
            typed = condition.get("PathPatternConfig")
            values = typed.get("Values") if isinstance(typed, dict) else condition.get("Values")
            for value in values if isinstance(values, list) else ():
                if isinstance(value, str) and len(value) > 128:
                    yield f"Condition value '{value[:20]}...' cannot be longer than '128' characters"


def _name(kind: str, properties: Mapping[str, Any]) -> Iterator[str]:
    name = text(properties.get("Name"))
    if name is None or _NAME.fullmatch(name):
        return
    if len(name) > 32:
        yield f"{kind} name '{name}' cannot be longer than '32' characters"
    else:
        yield (
            f"{kind} name '{name}' can only contain characters that are alphanumeric characters and "
            "hyphens(-), and must not begin or end with a hyphen"
        )


def _codes(codes: str) -> bool:
    return bool(_CODES.fullmatch(codes)) and all(200 <= int(one) <= 499 for one in re.split("[-,]", codes))


def _attributes(
    kind: str, given: Any, attributes: Mapping[str, tuple[int, int] | None], prefixes: tuple[str, ...]
) -> Iterator[str]:
    for one in mappings(given):
        key, value = text(one.get("Key")), number(one.get("Value"))
        if key is None:
            continue
        if key not in attributes and not key.startswith(prefixes):
            yield f"{kind} attribute key '{key}' is not recognized"
        bounds = attributes.get(key)
        if bounds is not None and text(one.get("Value")) is not None:
            least, most = bounds
            if value is None or not least <= value <= most:
                yield f"'{key}' must be between '{least}' and '{most}' inclusive"
        if key == "slow_start.duration_seconds" and value is not None and 0 < value < 30:
            yield "'slow_start.duration_seconds' must be 0, or between '30' and '900' inclusive"


def _actions(actions: Any) -> Iterator[str]:
    listed = list(mappings(actions))
    kinds = [text(one.get("Type")) for one in listed]
    if listed and len(listed) == len(actions) and None not in kinds:
        ends = [kind for kind in kinds if kind in ("forward", "redirect", "fixed-response")]
        if len(ends) != 1 or kinds[-1] != ends[0]:
            yield "The last action, and only the last, must be a forward, a redirect or a fixed-response"
    for action in listed:
        fixed, forward = action.get("FixedResponseConfig"), action.get("ForwardConfig")
        if isinstance(fixed, dict):
            body, kind = text(fixed.get("MessageBody")), text(fixed.get("ContentType"))
            if kind is not None and kind not in _CONTENT_TYPES:
                yield f"Fixed response content type '{kind}' must be one of {', '.join(_CONTENT_TYPES)}"
            if body is not None and len(body) > 1024:
                yield "Fixed response message body cannot be longer than '1024' characters"
        groups = list(mappings(forward.get("TargetGroups"))) if isinstance(forward, dict) else []
        if len(groups) > 5:
            yield "Up to '5' target groups can be specified in a forward action"
        for group in groups:
            weight = number(group.get("Weight"))
            if weight is not None and not 0 <= weight <= 999:
                yield f"Target group weight '{weight:g}' must be between 0 and 999"
