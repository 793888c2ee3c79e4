"""Where text is due, a template's plain value becomes CloudFormation's text: `true`, not Python's `True`.

Text is due in parameters, mappings, conditions, rules and outputs, in every key, in the arguments of
functions of text, and in properties whose type is text wherever a service lets people choose a value: tags,
environment variables, attributes, dimensions, options. Other properties keep the type that the template has.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import Registry

_SECTIONS_OF_TEXT = ("Parameters", "Mappings", "Conditions", "Rules", "Outputs")
_FUNCTIONS_OF_TEXT = ("Fn::Sub", "Fn::Join", "Fn::Split", "Fn::Select", "Fn::Base64", "Fn::Equals")
# Properties that map names which people choose to text.
_MAPS_OF_TEXT = (
    "Options",
    "DockerLabels",
    "Parameters",
    "Variables",
    "EnvironmentVariables",
    "ClientAttributes",
)
_TEXT = ("Description", "Comment", "StringValue")


def register(_: Registry) -> None:
    """Let templates and the attributes of resources have CloudFormation's text."""
    engine.around_parsed_templates(with_text)
    engine.around_attributes(
        lambda attributes: {
            name: text(value) if isinstance(value, bool) else value for name, value in attributes.items()
        }
    )


def text(value: object) -> str:
    """A scalar as CloudFormation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_text(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with CloudFormation's text wherever text is due."""
    return {
        text(section): (_all_text if section in _SECTIONS_OF_TEXT else _where_due)(content)
        for section, content in template.items()
    }


def _all_text(value: Any) -> Any:
    return _changed(value, lambda _, inner: _all_text(inner))


def _where_due(value: Any) -> Any:
    if not isinstance(value, dict | list):
        return value
    pair = (
        isinstance(value, dict)
        and "Value" in value
        and ("Key" in value or "Name" in value or "Type" in value)
    )

    def inner(key: object, one: Any) -> Any:
        due = key in _FUNCTIONS_OF_TEXT or key in _MAPS_OF_TEXT or key in _TEXT or (pair and key == "Value")
        return _all_text(one) if due else _where_due(one)

    return _changed(value, inner)


def _changed(value: Any, change: Callable[[object, Any], Any]) -> Any:
    match value:
        case dict():
            return {text(key): change(key, one) for key, one in value.items()}
        case list():
            return [change(None, one) for one in value]
        case bool() | int() | float():
            return text(value)
    return value
