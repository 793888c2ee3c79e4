"""What the import contracts cannot say: printing, exiting and waiting have one place each."""

import ast
import functools

import grimp

from tests.support.modules import of_pipeline, trees

PRINTERS = {f"pipeline.cli.{name}" for name in ("commands", "reviews", "accounts", "images")}
A_DOZEN = 13
"""A package with more modules is two packages."""


@functools.cache
def calls(module: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(trees()[module]) if isinstance(node, ast.Call)}


def who_calls(*functions: str) -> set[str]:
    return {module for module in of_pipeline() if calls(module) & set(functions)}


def test_only_the_edge_exits() -> None:
    assert {"pipeline.__main__"} == who_calls("exit", "sys.exit", "os._exit", "quit")


def test_only_commands_print() -> None:
    assert who_calls("print") <= PRINTERS


def test_no_module_sleeps_by_itself() -> None:
    assert set() == who_calls("time.sleep")


def test_the_stubs_of_boto3_are_imported_for_mypy_alone() -> None:
    graph = grimp.build_graph(
        "pipeline", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )

    assert [] == [name for name in graph.modules if name.startswith("types_boto3")]


def test_every_module_says_what_it_is() -> None:
    assert [] == [name for name, tree in trees().items() if not ast.get_docstring(tree)]


def test_no_package_has_more_than_about_a_dozen_modules() -> None:
    packages = [name.rpartition(".")[0] for name in trees()]

    assert [] == [name for name in sorted(set(packages)) if packages.count(name) > A_DOZEN]
