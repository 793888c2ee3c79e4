"""Actions and conditions of listener rules: read from API parameters and templates, shown as XML.

MiniStack keeps neither weights nor query strings; these functions keep both.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from local_aws.elb.rules import TYPED_VALUES, values_of, weighted_target_groups
from local_aws.shapes import Action, ForwardConfig, TargetGroup

Parameters = Mapping[str, Any]


def one(parameters: Parameters, key: str) -> str:
    """The value of a query parameter, "" when the request does not have it."""
    value = parameters.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def nested(parameters: Parameters) -> dict[str, Any]:
    """The parameters as the API describes them: Actions.member.1.Type is {"Actions": [{"Type": ...}]}."""
    tree: dict[str, Any] = {}
    for key in parameters:
        *path, last = key.split(".")
        inner = tree
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = one(parameters, key)
    return dict(_with_lists(tree))


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "member" in value:
        return [_with_lists(value["member"][number]) for number in sorted(value["member"], key=int)]
    return {key: _with_lists(inner) for key, inner in value.items()}


def xml(value: Any) -> str:
    """A result in the XML of the API: a dict becomes elements, a list becomes members."""
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{xml(inner)}</{key}>" for key, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{xml(inner)}</member>" for inner in value)
    return escape(str(value))


def with_forward_config(action: Action, config: "ForwardConfig | None") -> Action:
    """The action with its weights. As at AWS, only an action with one target group has TargetGroupArn too."""
    groups: list[TargetGroup] = [
        {"TargetGroupArn": g["TargetGroupArn"], "Weight": int(g.get("Weight", 1))}
        for g in (config.get("TargetGroups") or [] if config else [])
    ]
    if not groups:
        return action
    weighted: Action = {**action, "ForwardConfig": {"TargetGroups": groups}}
    weighted.pop("TargetGroupArn", None)
    if len(groups) == 1:
        weighted["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    return weighted


def parse_actions(shipped: Callable[..., list[Action]]) -> Callable[..., list[Action]]:
    """Wrap MiniStack's parser of API actions, to add ForwardConfig."""

    def parse(parameters: Parameters, prefix: str = "DefaultActions") -> list[Action]:
        given = nested(parameters).get(prefix) or []
        return [
            with_forward_config(action, whole.get("ForwardConfig"))
            for action, whole in zip(shipped(parameters, prefix), given, strict=True)
        ]

    return parse


def action_xml(shipped: Callable[[Action], str]) -> Callable[[Action], str]:
    """Wrap MiniStack's XML of an action. AWS shows ForwardConfig for every forward action."""

    def render(action: Action) -> str:
        shown = shipped(action)
        if action["Type"] != "forward":
            return shown
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weighted_target_groups(action)]
        stickiness = {"Enabled": "false"}
        config = {"ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness}}
        return f"{shown.removesuffix('</member>')}{xml(config)}</member>"

    return render


def conditions_from_api(parameters: Parameters, prefix: str = "Conditions") -> list[dict[str, Any]]:
    """Read the conditions of an API request."""
    return conditions_from_template(nested(parameters).get(prefix) or [])


def conditions_from_template(properties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Read the conditions of an AWS::ElasticLoadBalancingV2::ListenerRule."""
    return [
        condition(
            one.get("Field", ""),
            values_of(one),
            (one.get("HttpHeaderConfig") or {}).get("HttpHeaderName", ""),
        )
        for one in properties
    ]


def condition(field: str, values: list[Any], header: str = "") -> dict[str, Any]:
    """A condition's record: the typed config, and the plain Values for older clients."""
    kept: dict[str, Any] = {
        "Field": field,
        "Values": values if field in ("path-pattern", "host-header") else [],
    }
    if field in TYPED_VALUES:
        kept[TYPED_VALUES[field]] = ({"HttpHeaderName": header} if header else {}) | {"Values": values}
    return kept


def condition_xml(kept: dict[str, Any]) -> str:
    """A condition in the XML of DescribeRules."""
    return xml([kept])
