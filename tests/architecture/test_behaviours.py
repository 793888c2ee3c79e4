"""docs/local-aws.md names a test for each behaviour of the local AWS, and each of these tests exists."""

import ast
import re
from pathlib import Path

from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "local-aws.md"
FOLDERS = tuple(ROOT / "tests" / kind / "local_aws" for kind in ("unit", "processes", "docker"))
ORDERS = "tests/docker/orders"
NAMED = re.compile(r"`([\w./]+)`(?:: ([^`]*))?")


def rows() -> list[str]:
    """The rows of the tables of behaviours, without their heads."""
    page = PAGE.read_text(encoding="utf-8").partition("## Behaviours")[2].partition("\n## ")[0]
    return [line for line in page.splitlines() if line.startswith("| ") and not line.endswith("| Test |")]


def file_of(name: str) -> Path | None:
    """The file or folder that a row names: below the repository, or below a folder of local_aws' tests."""
    below = (ROOT,) if name.startswith("tests/") else FOLDERS
    paths = [folder / f"{name}{suffix}" for folder in below for suffix in ("", ".py")]
    return next((path for path in paths if path.exists()), None)


def missing(row: str) -> list[str]:
    """What the row's last column names and nothing is: a file, or a test in it by some words of its name."""
    found = NAMED.findall(row.rstrip("| ").rpartition(" | ")[2])
    gone = [] if found else [row]
    for name, sentences in found:
        file = file_of(name)
        if name.startswith(ORDERS) and not (ROOT / ORDERS).exists():
            continue  # a fork with a service of its own has no tests of orders
        if file is None:
            gone.append(name)
            continue
        wanted = filter(None, (words.strip(" ,;") for words in sentences.split(" · ")))
        gone += [f"{name}: {words}" for words in wanted if words.replace(" ", "_") not in names_in(file)]
    return gone


def names_in(file: Path) -> str:
    """All names of tests and of classes of tests in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return " ".join(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_behaviour_names_a_test_that_exists() -> None:
    assert len(rows()) > 50
    assert [] == [name for row in rows() for name in missing(row)]


def test_a_test_that_does_not_exist_is_found() -> None:
    row = "| One | why | `test_ports`: a port that nobody has · no such test, `elb/test_nothing` |"

    assert ["test_ports: a port that nobody has", "test_ports: no such test", "elb/test_nothing"] == missing(
        row
    )
    assert ["| Two | why | none |"] == missing("| Two | why | none |")
