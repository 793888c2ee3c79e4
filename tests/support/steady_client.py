"""A client that asks the running service without pause, and what tests ask of it and of a command."""

import subprocess
import threading
import time
from collections.abc import Callable

import pytest
import requests


def running(tasks: list[dict[str, str]]) -> list[dict[str, str]]:
    return [task for task in tasks if task["status"] == "RUNNING"]


def eventually(true: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"still not so after {seconds:.0f} s"
        time.sleep(0.5)


def wait_for_line(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    pytest.fail(f"the command ended before it said {word!r}")


class SteadyClient:
    """Asks again and again, from entry to exit; keeps every failure and every version that answered."""

    def __init__(self, url: str) -> None:
        self.failures: list[str] = []
        self.versions: set[str] = set()
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "SteadyClient":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        session = requests.Session()
        while not self._ended.wait(0.02):
            try:
                answer = session.get(self._url, timeout=5)
            except requests.RequestException as error:
                self.failures.append(str(error))
                continue
            if answer.ok:
                self.versions.add(answer.headers["X-Service-Version"])
            else:
                self.failures.append(f"{answer.status_code} {answer.text}")


def served_version(api: str) -> str:
    return requests.get(f"{api}/orders", timeout=5).headers["X-Service-Version"]
