"""YAML read strictly: a key given twice is an error, and an error names its line. Text arrives as written."""

import re
from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:  # PyYAML's wheels bring libyaml, whose parser is fifteen times as fast
    from yaml import CSafeLoader as SafeLoader


class StrictLoader(SafeLoader):
    """A SafeLoader that refuses two equal keys; PyYAML's own takes the last key without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """The mapping of a node. Raises ConstructorError for a key that is given twice."""
        seen: dict[Hashable, yaml.Mark] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain value", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    f"{key!r} is first given in line {seen[key].line + 1}",
                    seen[key],
                    f"the key {key!r} is given twice",
                    key_node.start_mark,
                )
            seen[key] = key_node.start_mark
        return super().construct_mapping(node, deep)


_SCALARS = "tag:yaml.org,2002:"
_NULL = f"{_SCALARS}null"
_TEXT = f"{_SCALARS}str"
_NOT_TEXT = {f"{_SCALARS}{kind}" for kind in ("bool", "int", "float", "timestamp")}
_IN_JSON = re.compile(r"true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")


class UnambiguousLoader(StrictLoader):
    """A StrictLoader that refuses a plain value that YAML 1.1 reads as something else.

    Such are 0123 (the number 83), no and on (false and true), 1_000, 12:30 (the number 750) and 2026-01-01 (a
    date). Numbers, true and false are written as in JSON.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node, of any type (Any). Raises ConstructorError for an ambiguous one."""
        value = super().construct_object(node, deep)
        if node.tag in _NOT_TEXT and not _IN_JSON.fullmatch(node.value):
            plain = as_text(value)
            choice = f"{plain}, or " if _IN_JSON.fullmatch(plain) else ""
            problem = f'YAML reads {node.value} as {plain}: write {choice}"{node.value}" in quotes'
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return value


def load(text: str, *, as_written: Collection[str] = ()) -> object:
    """The content of a YAML document, read by UnambiguousLoader.

    as_written: keys below which each plain value, also in a list or a mapping, is the text that the file has:
    0123 is "0123" and no is "no". A value that YAML reads as null (~, null, or nothing) is None everywhere.
    Raises yaml.YAMLError.
    """
    loader = UnambiguousLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _keep_source(root, as_written, set())
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _keep_source(node: yaml.Node, keys: Collection[str], seen: set[int], inside: bool = False) -> None:
    """Let each scalar below one of the keys be text. seen: nodes so far; an alias leads to one again."""
    if isinstance(node, yaml.ScalarNode):
        if inside and node.tag in _NOT_TEXT:
            node.tag = _TEXT
        return
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _keep_source(item, keys, seen, inside)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _keep_source(key, keys, seen, inside)
            _keep_source(value, keys, seen, inside or key.value in keys)


def describe(error: yaml.YAMLError) -> tuple[str, int]:
    """What is wrong, in one line, and the line number (1 where YAML names none)."""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return str(problem), (mark.line + 1 if mark is not None else 1)


def as_text(value: object) -> str:
    """A YAML value as CloudFormation writes it: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)
