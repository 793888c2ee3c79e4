"""Templates and environment files as plain values, for rules to judge and tests to mutate."""

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pipeline.config.strict_yaml import StrictLoader
from tests.support.repository import ROOT

INFRA = ROOT / "infra"
NAMES = tuple(sorted(file.stem for file in INFRA.glob("*.yaml")))
ENVIRONMENTS = tuple(sorted(file.stem for file in (INFRA / "environments").glob("*.yaml")))


def text(name: str) -> str:
    return (INFRA / f"{name}.yaml").read_text(encoding="utf-8")


def read(name: str) -> dict[str, Any]:
    """A fresh copy of one template, its short-form functions written out (`!Ref X` is {"Ref": "X"})."""
    return copy.deepcopy(_parsed(name))


@functools.cache
def _parsed(name: str) -> dict[str, Any]:
    return yaml.load(text(name), WrittenOut)  # noqa: S506 - a SafeLoader


class WrittenOut(StrictLoader):
    """CloudFormation's short-form functions written out. The pipeline itself never looks inside them."""


def _written_out(loader: WrittenOut, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


WrittenOut.add_multi_constructor("!", _written_out)


def of_type(template: Mapping[str, Any], *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical id and properties of every resource of these types."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in types:
            yield logical_id, resource.get("Properties", {})


def reference(value: Any) -> str | None:
    """The name that {"Ref": name} refers to."""
    return value.get("Ref") if isinstance(value, dict) else None


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value inside, outermost first, with the keys that lead to it."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from walk(item, (*path, str(key)))
