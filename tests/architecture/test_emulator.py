"""One package of the local AWS, `local_aws.emulator`, knows what MiniStack calls things inside."""

import ast
import functools
import importlib.util
import re
from pathlib import Path

from tests.support.modules import trees

# Functions, classes, tables of a module, attributes of an instance, parts of a record.
GIVEN = re.compile(r"""(?:\b(?:def|class)\ |^|\bself\.|\[["'])(_[A-Za-z]\w+)(?=\ ?[(:=\]"'])""", re.MULTILINE)


@functools.cache
def private_names() -> frozenset[str]:
    """Every name with an underscore that MiniStack gives to something."""
    spec = importlib.util.find_spec("ministack")
    assert spec is not None
    assert spec.origin is not None
    files = Path(spec.origin).parent.rglob("*.py")
    return frozenset(name for file in files for name in GIVEN.findall(file.read_text(encoding="utf-8")))


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def named(tree: ast.Module) -> list[str]:
    """What a module names of MiniStack: its modules, and its private names on anything but `self`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.partition(".")[0] == "ministack"]
        elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "ministack":
            found.append(str(node.module))
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls", "os"):
            found += [node.attr] if node.attr in private_names() else []
        elif is_text(node):
            text = node.value
            found += [text] if text in private_names() or text.startswith("ministack.") else []
    return found


def test_no_other_package_names_what_is_ministacks_own() -> None:
    others = {name: tree for name, tree in trees().items() if name.startswith("local_aws.")}
    emulator = [others.pop(name) for name in list(others) if name.startswith("local_aws.emulator.")]

    assert any(map(named, emulator))
    assert {} == {name: found for name, tree in others.items() if (found := named(tree))}


def test_what_is_ministacks_own_is_recognised() -> None:
    program = """
import ministack.app
from ministack.services import alb
store("alb", "_tgs")
import_module("ministack.services.rds")
stacks._add_event()
self._rules, "its _tgs are kept", "_slipway_volume"
"""
    own = {"ministack.app", "ministack.services", "_tgs", "ministack.services.rds", "_add_event"}

    assert own == set(named(ast.parse(program)))
