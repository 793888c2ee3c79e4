"""taskcat as it is, but that its report does without a stylesheet where the web cannot be reached.

Run as a file by the Python of .venv-taskcat, which has taskcat and not this package: it imports none of it.
Its modules have no types (Any).
"""

from importlib import import_module
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Run taskcat's command line. It would fetch its CSS, and look for a newer version than is locked."""
    requests: Any = import_module("requests")
    report: Any = import_module("taskcat._generate_reports")
    command_line: Any = import_module("taskcat._cli")

    def get(url: str, **options: Any) -> Any:
        try:
            return requests.get(url, **options)
        except requests.RequestException:
            return SimpleNamespace(text="")

    report.requests = SimpleNamespace(get=get)
    command_line.check_for_update = lambda: None
    command_line.main()


if __name__ == "__main__":
    main()
