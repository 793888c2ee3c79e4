"""What a template reads from outside of itself: the SSM parameters that it names, and what only AWS can tell.

A parameter is named by a dynamic reference, by a task definition's secret, or by a template parameter of type
AWS::SSM::Parameter::Value<...>. Names may hold ${...}; `reads` fills them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.graph import template_rules

_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure):((?:\$\{[A-Za-z0-9:.]+\}|[^}:$])+)(?::(\d+))?\}\}")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_ARN = re.compile(r"arn:[^:]+:ssm:([^:]*):([^:]*):parameter/(.+)")
_TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_PARAMETER = "AWS::SSM::Parameter"


@dataclass(frozen=True)
class Reference:
    """One place of a template that names an SSM parameter.

    kind: ssm or ssm-secure for a dynamic reference, task for a task definition's secret, made for a parameter
    that the template itself makes. name: as in the template. resource: the logical id. when: the conditions
    of the place, each with the value that it must have.
    """

    kind: str
    name: Any
    resource: str
    version: str = ""
    when: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Read:
    """A parameter that a stack reads. name: as SSM takes it. kind: as of a Reference, or parameter for a
    template parameter's value. certain: False where a condition that only AWS can judge may leave it out.
    """

    name: str
    kind: str
    resource: str = ""
    certain: bool = True


def find(resources: Mapping[str, Any]) -> tuple[Reference, ...]:
    """Every place in a template's Resources, the short-form functions written out, that names a parameter."""
    return tuple(
        reference
        for logical_id, resource in resources.items()
        if isinstance(resource, dict)
        for reference in _of_resource(logical_id, resource)
    )


def reads(
    references: tuple[Reference, ...], conditions: Mapping[str, Any], values: Mapping[str, str]
) -> list[Read]:
    """The parameters that a stack reads with these values, without those whose name is not known yet.

    values: of the template's parameters, and AWS::Region, AWS::AccountId and AWS::Partition.
    """
    found: dict[tuple[str, str], Read] = {}
    for reference in references:
        name = named(reference, values)
        judged = [template_rules.condition(each, conditions, values) for each, _ in reference.when]
        if name is None or any(
            holds is not None and holds != wanted
            for holds, (_, wanted) in zip(judged, reference.when, strict=True)
        ):
            continue
        read = Read(name, reference.kind, reference.resource, None not in judged)
        before = found.get((name, reference.kind))
        if before is None or (read.certain and not before.certain):
            found[name, reference.kind] = read
    return list(found.values())


def named(reference: Reference, values: Mapping[str, str]) -> str | None:
    """The parameter's name; None where it is not known, or lies in another account or region."""
    name = value_of(reference.name, values)
    if name is None or (found := _ARN.fullmatch(name)) is None:
        return None if name is None or name.startswith("arn:") else name
    if (found[1], found[2]) != (values.get("AWS::Region"), values.get("AWS::AccountId")):
        return None
    return f"/{found[3]}" if "/" in found[3] else found[3]


def value_of(expression: Any, values: Mapping[str, str]) -> str | None:
    """A string, or what Ref, Fn::Sub or Fn::Join make of `values`; None where only AWS can tell."""
    match expression:
        case str():
            return expression
        case {"Ref": str(name), **rest} if not rest:
            return values.get(name)
        case {"Fn::Sub": str(text), **rest} if not rest:
            return filled(text, values)
        case {"Fn::Sub": [str(text), dict(more)], **rest} if not rest:
            known = {key: value_of(item, values) for key, item in more.items()}
            return filled(text, {**values, **{k: v for k, v in known.items() if v is not None}})
        case {"Fn::Join": [str(between), list(items)], **rest} if not rest:
            parts = [value_of(item, values) for item in items]
            return None if None in parts else between.join(part for part in parts if part is not None)
    return None


def filled(text: str, values: Mapping[str, str]) -> str | None:
    """`text` with every ${...} filled; None where a value is not known."""
    if any(name not in values for name in _PLACEHOLDER.findall(text)):
        return None
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def changes_unseen(content: Mapping[str, Any]) -> bool:
    """Whether a template takes in what lies elsewhere, and not in SSM: by a macro, AWS::Include, a module or
    a nested template. AWS's other transforms belong to CloudFormation itself.
    """
    used = content.get("Transform", [])
    macros = list(used) if isinstance(used, list) else [used]
    types = []
    for value, _ in _places(content.get("Resources", {}), ()):
        if isinstance(value, dict):
            transform = value.get("Fn::Transform")
            macros += transform if isinstance(transform, list) else [transform] if transform else []
            types.append(str(value.get("Type", "")))
    names = [str(macro.get("Name", "")) if isinstance(macro, dict) else str(macro) for macro in macros]
    return any(not name.startswith("AWS::") or name == "AWS::Include" for name in names) or any(
        type_ == "AWS::CloudFormation::Stack" or type_.endswith("::MODULE") for type_ in types
    )


def pinned(body: str, values: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """A template's text in which each dynamic reference without a version has that of `versions`, by name."""

    def with_version(match: re.Match[str]) -> str:
        name = filled(match[2], values)
        version = "" if match[3] or name is None else versions.get(name, "")
        return f"{{{{resolve:{match[1]}:{match[2]}:{version}}}}}" if version.isdigit() else match[0]

    return _DYNAMIC.sub(with_version, body)


def versions_in(body: str, name: str, values: Mapping[str, str]) -> set[str]:
    """The versions in which a template's text asks for the parameter `name`."""
    return {
        version for _, text, version in _DYNAMIC.findall(body) if version and filled(text, values) == name
    }


def _of_resource(logical_id: str, resource: Mapping[str, Any]) -> Iterator[Reference]:
    kind, condition = resource.get("Type"), resource.get("Condition")
    when = ((condition, True),) if isinstance(condition, str) else ()
    properties = resource.get("Properties")
    if kind == _PARAMETER and isinstance(properties, dict) and "Name" in properties:
        yield Reference("made", properties["Name"], logical_id, when=when)
    for value, inner in _places(resource, when):
        if isinstance(value, str):
            for service, name, version in _DYNAMIC.findall(value):
                # A name without ${...} is itself; with them, Fn::Sub fills it.
                yield Reference(service, {"Fn::Sub": name}, logical_id, version, inner)
        elif kind == _TASK_DEFINITION and "ValueFrom" in value:
            yield Reference("task", value["ValueFrom"], logical_id, when=inner)


def _places(value: Any, when: tuple[tuple[str, bool], ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every text and every mapping, with the conditions under which it counts."""
    if isinstance(value, str):
        yield value, when
    elif isinstance(value, list):
        for item in value:
            yield from _places(item, when)
    elif isinstance(value, dict):
        branches = value.get("Fn::If")
        if isinstance(branches, list) and len(branches) == 3 and isinstance(branches[0], str):
            yield from _places(branches[1], (*when, (branches[0], True)))
            yield from _places(branches[2], (*when, (branches[0], False)))
            return
        yield value, when
        for item in value.values():
            yield from _places(item, when)
