"""Where Elastic Load Balancing reads and shows listener rules: the API's requests, templates, and XML."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local_aws.emulator import internals

if TYPE_CHECKING:
    from types_boto3_elbv2.type_defs import ActionOutputTypeDef as Action

Condition = dict[str, Any]
Parameters = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]

_PROVISIONERS = "cloudformation.provisioners"


def read_api_actions(wrap: Callable[[Callable[..., list["Action"]]], Callable[..., list["Action"]]]) -> None:
    """Read an API request's actions by wrap(what read them so far): parameters, prefix -> actions."""
    internals.replace("alb", "_parse_actions", wrap)


def api_actions(parameters: Parameters, prefix: str) -> list["Action"]:
    """The actions of an API request, e.g. those at the prefix Actions."""
    actions: list[Action] = internals.get("alb", "_parse_actions")(parameters, prefix)
    return actions


def read_api_conditions(read: Callable[[Parameters], list[Condition]]) -> None:
    """Read an API request's conditions by `read`."""
    internals.replace("alb", "_parse_conditions", lambda _: read)


def read_template_actions(complete: Callable[["Action", "Action"], "Action"]) -> None:
    """Write each action of a template as complete(the action so far, the action in the template) gives it.

    It is whole when it is written: a listener may look at any time.
    """

    def wrap(shipped: Callable[..., list["Action"]]) -> Callable[..., list["Action"]]:
        def read(
            properties: dict[str, Any], load_balancer: str, prop: str = "DefaultActions"
        ) -> list["Action"]:
            actions = shipped(properties, load_balancer, prop)
            return [complete(*pair) for pair in zip(actions, properties[prop], strict=True)]

        return read

    internals.replace(_PROVISIONERS, "_elbv2_listener_actions", wrap)


def read_template_conditions(read: Callable[[list[dict[str, Any]]], list[Condition]]) -> None:
    """Read the conditions of a template's listener rule by `read`."""
    internals.replace(_PROVISIONERS, "_flatten_listener_rule_conditions", lambda _: read)


def show_actions(wrap: Callable[[Callable[["Action"], str]], Callable[["Action"], str]]) -> None:
    """Show an action in the XML of wrap(what showed it so far)."""
    internals.replace("alb", "_action_xml", wrap)


def show_conditions(show: Callable[[Condition], str]) -> None:
    """Show a condition in the XML of `show`."""
    internals.replace("alb", "_condition_xml", lambda _: show)


def answer(operation: str, inner: str) -> Response:
    """The answer to an operation: the XML of its result."""
    response: Response = internals.get("alb", "_xml")(200, operation, inner)
    return response
