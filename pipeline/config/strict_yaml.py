"""YAML read strictly: a key given twice is an error, and an error names its line."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

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


def describe(error: yaml.YAMLError) -> tuple[str, int]:
    """What is wrong, in one line, and the line number (1 where YAML names none)."""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return str(problem), (mark.line + 1 if mark is not None else 1)


def as_text(value: object) -> str:
    """A YAML value as CloudFormation writes it: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)
