"""A steady load on a service."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import urllib3


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent (Unix time), how long it took (seconds), which version answered, and what
    was wrong with it ("" where nothing was).
    """

    at: float
    seconds: float
    version: str
    fault: str


class SteadyLoad:
    """So many GET requests a second, evenly, from entry to exit, over a few connections that are kept open.

    A slow answer holds up its own connection only; one that fell behind, because this machine was busy, makes
    up for at most five seconds.
    """

    CONNECTIONS = 12

    def __init__(self, url: str, per_second: float) -> None:
        self._asked: list[Asked] = []
        self._url, self._per_second = url, per_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(self.CONNECTIONS)]

    def __enter__(self) -> "SteadyLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def since(self, moment: float) -> list[Asked]:
        """What was sent from `moment` (Unix time) on and is answered, in the order of sending."""
        return sorted((one for one in list(self._asked) if one.at >= moment), key=lambda one: one.at)

    def _ask(self, number: int) -> None:
        pause = self.CONNECTIONS / self._per_second
        due = time.monotonic() + number * pause / self.CONNECTIONS
        # Not requests, which costs twice the time of a core that the service needs.
        with urllib3.PoolManager(retries=False, timeout=10) as http:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                due = max(due + pause, time.monotonic() - 5)
                self._asked.append(self._once(http))

    def _once(self, http: urllib3.PoolManager) -> Asked:
        at, began, version = time.time(), time.monotonic(), ""
        try:
            answer = http.request("GET", self._url)
        except urllib3.exceptions.HTTPError as error:
            fault = f"{type(error).__name__}: {error}"
        else:
            version = answer.headers.get("X-Service-Version", "")
            fault = "" if answer.status < 400 else f"{answer.status} {answer.data[:200]!r}"
        return Asked(at, time.monotonic() - began, version, fault)


def faults(asked: Iterable[Asked]) -> list[str]:
    return [one.fault for one in asked if one.fault]
