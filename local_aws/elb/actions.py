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


def members(parameters: Parameters, prefix: str) -> list[str]:
    """The prefixes "<prefix>.member.1", "<prefix>.member.2" ... in the request."""
    found: list[str] = []
    while any(key.startswith(f"{prefix}.member.{len(found) + 1}") for key in parameters):
        found.append(f"{prefix}.member.{len(found) + 1}")
    return found


def forward_config_from_api(parameters: Parameters, prefix: str) -> ForwardConfig:
    """The ForwardConfig of an action in an API request, {} when the action has none."""
    groups: list[TargetGroup] = [
        {
            "TargetGroupArn": one(parameters, f"{at}.TargetGroupArn"),
            "Weight": int(one(parameters, f"{at}.Weight") or 1),
        }
        for at in members(parameters, f"{prefix}.ForwardConfig.TargetGroups")
    ]
    return {"TargetGroups": groups} if groups else {}


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
        actions = shipped(parameters, prefix)
        return [
            with_forward_config(action, forward_config_from_api(parameters, at))
            for action, at in zip(actions, members(parameters, prefix), strict=True)
        ]

    return parse


def action_xml(shipped: Callable[[Action], str]) -> Callable[[Action], str]:
    """Wrap MiniStack's XML of an action. AWS shows ForwardConfig for every forward action."""

    def render(action: Action) -> str:
        xml = shipped(action)
        if action["Type"] != "forward":
            return xml
        groups = "".join(
            f"<member><TargetGroupArn>{escape(arn)}</TargetGroupArn><Weight>{weight}</Weight></member>"
            for arn, weight in weighted_target_groups(action)
        )
        config = (
            f"<ForwardConfig><TargetGroups>{groups}</TargetGroups>"
            "<TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig></ForwardConfig>"
        )
        return xml.removesuffix("</member>") + config + "</member>"

    return render


def conditions_from_api(parameters: Parameters, prefix: str = "Conditions") -> list[dict[str, Any]]:
    """Read the conditions of an API request."""
    conditions = []
    for at in members(parameters, prefix):
        field = one(parameters, f"{at}.Field")
        typed = f"{at}.{TYPED_VALUES.get(field, '')}.Values"
        values: list[Any]
        if field == "query-string":
            values = [
                {k: one(parameters, f"{v}.{k}") for k in ("Key", "Value")} for v in members(parameters, typed)
            ]
        else:
            values = [
                one(parameters, v) for v in members(parameters, typed) or members(parameters, f"{at}.Values")
            ]
        header = one(parameters, f"{at}.HttpHeaderConfig.HttpHeaderName")
        conditions.append(condition(field, values, header))
    return conditions


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
    plain = "".join(f"<member>{escape(str(value))}</member>" for value in kept["Values"])
    xml = f"<Field>{escape(kept['Field'])}</Field><Values>{plain}</Values>"
    config = TYPED_VALUES.get(kept["Field"])
    if config:
        name = kept[config].get("HttpHeaderName", "")
        header = f"<HttpHeaderName>{escape(name)}</HttpHeaderName>" if name else ""
        values = "".join(f"<member>{_value_xml(value)}</member>" for value in kept[config]["Values"])
        xml += f"<{config}>{header}<Values>{values}</Values></{config}>"
    return f"<member>{xml}</member>"


def _value_xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(
            f"<{key}>{escape(str(value[key]))}</{key}>" for key in ("Key", "Value") if value.get(key)
        )
    return escape(str(value))
