"""Hooks into Elastic Load Balancing: how requests and templates are read, and how rules are shown."""

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.emulator import internals
from local_aws.shapes import Action

Condition = dict[str, Any]
Parameters = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]

_PROVISIONERS = "cloudformation.provisioners"


def read_api_actions(wrap: Callable[[Callable[..., list[Action]]], Callable[..., list[Action]]]) -> None:
    """Wrap the function that reads the actions of an API request: parameters, prefix -> actions."""
    internals.replace("alb", "_parse_actions", wrap)


def api_actions(parameters: Parameters, prefix: str) -> list[Action]:
    """The actions of an API request at a prefix such as Actions."""
    actions: list[Action] = internals.get("alb", "_parse_actions")(parameters, prefix)
    return actions


def read_api_conditions(read: Callable[[Parameters], list[Condition]]) -> None:
    """Let `read` read the conditions of an API request."""
    internals.replace("alb", "_parse_conditions", lambda _: read)


def read_template_actions(complete: Callable[[Action, Action], Action]) -> None:
    """Pass each action of a template through complete(action without weights, action in the template).

    The rule is written with the result, because a listener may read a rule at any time.
    """

    def wrap(shipped: Callable[..., list[Action]]) -> Callable[..., list[Action]]:
        def read(
            properties: dict[str, Any], load_balancer: str, prop: str = "DefaultActions"
        ) -> list[Action]:
            actions = shipped(properties, load_balancer, prop)
            return [complete(*pair) for pair in zip(actions, properties[prop], strict=True)]

        return read

    internals.replace(_PROVISIONERS, "_elbv2_listener_actions", wrap)


def read_template_conditions(read: Callable[[list[dict[str, Any]]], list[Condition]]) -> None:
    """Let `read` read the conditions of a listener rule in a template."""
    internals.replace(_PROVISIONERS, "_flatten_listener_rule_conditions", lambda _: read)


def show_actions(wrap: Callable[[Callable[[Action], str]], Callable[[Action], str]]) -> None:
    """Wrap the function that shows an action as XML."""
    internals.replace("alb", "_action_xml", wrap)


def show_conditions(show: Callable[[Condition], str]) -> None:
    """Let `show` show a condition as XML."""
    internals.replace("alb", "_condition_xml", lambda _: show)


def answer(operation: str, inner: str) -> Response:
    """The response of an operation; inner is the XML of its result."""
    response: Response = internals.get("alb", "_xml")(200, operation, inner)
    return response
