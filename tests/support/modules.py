"""The modules of `pipeline` and `local_aws` as source, and which imports which."""

import ast
import functools

import grimp

from tests.support.repository import ROOT

PACKAGES = ("pipeline", "local_aws")


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Dotted name -> syntax tree, of every module that is not only a package's docstring."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text(encoding="utf-8"))
        for file in files
        if file.name != "__init__.py"
    }


def of_pipeline() -> dict[str, ast.Module]:
    """The modules of the pipeline alone."""
    return {name: tree for name, tree in trees().items() if name.startswith("pipeline.")}


@functools.cache
def reached_from(module: str) -> frozenset[str]:
    """The module itself and every module of the pipeline that it imports, directly or not."""
    graph = grimp.build_graph("pipeline")
    return frozenset({module, *graph.find_upstream_modules(module)} & set(trees()))
