"""taskcat, but without a stylesheet in its report where the web cannot be reached.

The Python of .venv-taskcat runs this file. That Python has taskcat and not this package, so nothing of this
package is imported. taskcat has no types (Any).
"""

from importlib import import_module
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Run taskcat's command line, which otherwise fetches CSS and looks for a newer taskcat."""
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
