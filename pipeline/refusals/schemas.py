"""CloudFormation's resource schemas, judged as CloudFormation judges them.

schemas.json is an extract of cfn-lint's schemas (tests/support/resource_schemas.py). A general JSON Schema
library would refuse "80" for a number, could not pass over values that are unknown yet, and does not know the
keywords `requiredXor` and `dependentExcluded`.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.refusals.values import Unknown, known, number, text

Schema = Mapping[str, Any] | bool
_BOUNDS: Mapping[str, Callable[[float, float], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "multipleOf": lambda value, bound: round(value / bound, 6).is_integer(),  # 20 is a multiple of 0.1
}
_SIZES: Mapping[str, tuple[type[list[Any] | str | dict[str, Any]], Callable[[int, int], bool]]] = {
    "minItems": (list, lambda size, bound: size >= bound),
    "maxItems": (list, lambda size, bound: size <= bound),
    "minLength": (str, lambda size, bound: size >= bound),
    "maxLength": (str, lambda size, bound: size <= bound),
    "minProperties": (dict, lambda size, bound: size >= bound),
    "maxProperties": (dict, lambda size, bound: size <= bound),
}
_FORMATS = {
    "AWS::EC2::SecurityGroup.Id": r"sg-[a-z0-9]+",
    "AWS::EC2::Subnet.Id": r"subnet-[a-z0-9]+",
    "AWS::EC2::VPC.Id": r"vpc-[a-z0-9]+",
    "AWS::IAM::Role.Arn": r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
    "AWS::Logs::LogGroup.Name": r"[\w./#-]{1,512}",
}


@cache
def data() -> Any:
    """The content of schemas.json."""
    return json.loads(Path(__file__).with_name("schemas.json").read_text(encoding="utf-8"))


def faults(resource_type: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """What the schema of a resource type refuses, in CloudFormation's words; no value is quoted.

    Nothing for a type without a schema here. Unknown values are passed over.
    """
    schema = data()["schemas"].get(resource_type)
    if schema is None:
        return
    judge = _Judge(schema)
    yield from judge.faults(schema, dict(properties), "#")
    for pointer in schema.get("readOnlyProperties", []):
        name = pointer.removeprefix("/properties/")
        if name in properties and f"/properties/{name}" not in schema.get("createOnlyProperties", []):
            yield f"#: Encountered unsupported property {name} (it is read-only)"


class _Judge:
    """Judges values by one schema and its definitions."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def faults(self, schema: Schema, value: Any, path: str) -> Iterator[str]:
        """The faults of a value at a path such as `#/Tags/0/Key`."""
        if isinstance(value, Unknown):
            return
        if isinstance(schema, bool):
            if not schema:
                yield _failed(path, "not")
            return
        if "$ref" in schema:
            yield from self.faults(self._referred(schema["$ref"]), value, path)
        wrong = _scalar_fault(schema, value)
        if wrong is not None:
            yield _failed(path, wrong) if wrong != "type" else f"{path}: expected type: {_types(schema)}"
            return
        if isinstance(value, dict):
            yield from self._object_faults(schema, value, path)
        if isinstance(value, list):
            yield from self._array_faults(schema, value, path)
        yield from self._combined_faults(schema, value, path)

    def holds(self, schema: Schema, value: Any) -> bool | None:
        """Whether a value meets a schema; None where an unknown value leaves it open."""
        if any(self.faults(schema, value, "#")):
            return False
        return True if known(_concerned(schema, value)) else None

    def _referred(self, pointer: str) -> Schema:
        found: Any = self._root
        for step in pointer.removeprefix("#/").split("/"):
            found = found[step]
        return found  # type: ignore[no-any-return]

    def _object_faults(self, schema: Mapping[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}: required key [{name}] not found"
        if "requiredXor" in schema and len(set(schema["requiredXor"]) & set(value)) != 1:
            yield f"{path}: exactly one of {_listed(schema['requiredXor'])} is required"
        if "requiredOr" in schema and not set(schema["requiredOr"]) & set(value):
            yield f"{path}: one of {_listed(schema['requiredOr'])} is required"
        for name, others in schema.get("dependentRequired", {}).items():
            for other in others if name in value else ():
                if other not in value:
                    yield f"{path}: property [{other}] is required with [{name}]"
        for name, others in schema.get("dependentExcluded", {}).items():
            for other in others if name in value else ():
                if other in value and name < other:
                    yield f"{path}: properties [{name}] and [{other}] exclude each other"
        properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, one in value.items():
            below = f"{path}/{name}"
            matching = [part for pattern, part in patterns.items() if re.search(pattern, name)]
            if name in properties:
                yield from self.faults(properties[name], one, below)
            for part in matching:
                yield from self.faults(part, one, below)
            if name not in properties and not matching:
                rest = schema.get("additionalProperties", True)
                if rest is False:
                    yield f"{path}: extraneous key [{name}] is not permitted"
                elif rest is not True:
                    yield from self.faults(rest, one, below)
            if "propertyNames" in schema and any(self.faults(schema["propertyNames"], name, below)):
                yield f"{path}: extraneous key [{name}] is not permitted"

    def _array_faults(self, schema: Mapping[str, Any], value: list[Any], path: str) -> Iterator[str]:
        for index, one in enumerate(value):
            yield from self.faults(schema.get("items", True), one, f"{path}/{index}")
        written = [json.dumps(one, sort_keys=True) for one in value if known(one)]
        if schema.get("uniqueItems") and len(set(written)) < len(written):
            yield _failed(path, "uniqueItems")
        if keys := schema.get("uniqueKeys"):
            seen = [tuple(text(one.get(key)) for key in keys) for one in value if isinstance(one, dict)]
            seen = [one for one in seen if None not in one]
            if len(set(seen)) < len(seen):
                yield f"{path}: {_listed(keys)} is given twice"
        if "contains" in schema and all(self.holds(schema["contains"], one) is False for one in value):
            yield _failed(path, "contains")

    def _combined_faults(self, schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
        for part in schema.get("allOf", ()):
            yield from self.faults(part, value, path)
        for keyword, most in (("anyOf", len(schema.get("anyOf", ()))), ("oneOf", 1)):
            if keyword in schema:
                verdicts = [self.holds(part, value) for part in schema[keyword]]
                if all(one is False for one in verdicts) or verdicts.count(True) > most:
                    yield _failed(path, keyword)
        if "not" in schema and self.holds(schema["not"], value) is True:
            yield _failed(path, "not")
        if "if" in schema:
            verdict = self.holds(schema["if"], value)
            if verdict is True:
                yield from self.faults(schema.get("then", True), value, path)
            elif verdict is False:
                yield from self.faults(schema.get("else", True), value, path)


def _scalar_fault(schema: Mapping[str, Any], value: Any) -> str | None:
    """The keyword that a value does not meet by itself."""
    if "type" in schema and not any(_is(name, value) for name in _listing(schema["type"])):
        return "type"
    words, amount = text(value), number(value)
    if "enum" in schema and words is not None and words not in [text(one) for one in schema["enum"]]:
        return "enum"
    if "const" in schema and words is not None and words != text(schema["const"]):
        return "const"
    if words is not None and not isinstance(value, bool):
        if "pattern" in schema and not re.search(schema["pattern"], words):
            return "pattern"
        form = _FORMATS.get(schema.get("format", ""))
        if form is not None and not re.fullmatch(form, words):
            return "format"
    if amount is not None:
        for keyword, within in _BOUNDS.items():
            if keyword in schema and not within(amount, schema[keyword]):
                return keyword
    for keyword, (kind, meets) in _SIZES.items():
        if keyword in schema and isinstance(value, kind) and not meets(len(value), schema[keyword]):
            return keyword
    return None


def _is(name: str, value: Any) -> bool:
    match name:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "number":
            return number(value) is not None
        case "integer":
            amount = number(value)
            return amount is not None and amount == int(amount)
        case "boolean":
            return text(value) in ("true", "false", "True", "False")
        case "string":
            return text(value) is not None
    return value is None


def _concerned(schema: Schema, value: Any) -> Any:
    """The part of a value that a schema looks at: of a mapping, what the schema names."""
    if isinstance(value, dict) and isinstance(schema, Mapping) and "properties" in schema:
        return {name: _concerned(part, value.get(name)) for name, part in schema["properties"].items()}
    return value


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _types(schema: Mapping[str, Any]) -> str:
    return " or ".join(str(name).capitalize() for name in _listing(schema["type"]))


def _listed(names: list[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)


def _failed(path: str, keyword: str) -> str:
    return f"{path}: failed validation constraint for keyword [{keyword}]"
