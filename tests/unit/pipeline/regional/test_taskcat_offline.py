"""taskcat runs as it is, but for a stylesheet that may stay away and a newer version it does not look for."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import requests

from pipeline.regional import taskcat_offline


@pytest.fixture
def taskcat(monkeypatch: pytest.MonkeyPatch) -> Any:
    """taskcat's report and its command line, which asks for the stylesheet as the report does."""
    report, command_line = ModuleType("report"), ModuleType("cli")
    seen = SimpleNamespace(css=None, ran=False)

    def main() -> None:
        command_line.check_for_update()  # type: ignore[attr-defined]
        seen.css = report.requests.get("https://example.com/style.css", timeout=3).text  # type: ignore[attr-defined]
        seen.ran = True

    report.requests = requests  # type: ignore[attr-defined]
    command_line.check_for_update = lambda: pytest.fail("it asked for a newer version")  # type: ignore[attr-defined]
    command_line.main = main  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "taskcat", ModuleType("taskcat"))
    monkeypatch.setitem(sys.modules, "taskcat._generate_reports", report)
    monkeypatch.setitem(sys.modules, "taskcat._cli", command_line)
    return seen


def test_without_the_web_the_report_has_no_style_and_is_written(
    taskcat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", refused)
    taskcat_offline.main()

    assert ("", True) == (taskcat.css, taskcat.ran)


def test_with_the_web_the_stylesheet_is_taskcats_own(taskcat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "get", lambda url, timeout: SimpleNamespace(text=f"{url} {timeout}"))
    taskcat_offline.main()

    assert "https://example.com/style.css 3" == taskcat.css
