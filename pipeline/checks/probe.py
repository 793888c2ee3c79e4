"""The production probe: a steady small rate of requests while a rollout goes on."""

import threading
import time
from collections.abc import Callable

import requests
from urllib3.exceptions import NewConnectionError, ProxyError

from pipeline.checks.ledger import Entry, Ledger
from pipeline.checks.smoke import VERSION_HEADER

TIMEOUT = 5.0
"""Seconds for one answer; an answer that takes longer counts as no answer."""


class Probe:
    """Asks `url` with GET, `rate` times a second, in a thread of its own.

    now: Unix time. The monitor sets `stage` and `counts`, which are written into each entry.
    """

    def __init__(
        self,
        http: requests.Session,
        url: str,
        ledger: Ledger,
        rate: float = 5.0,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._url, self.ledger = http, url, ledger
        self._pause = 1.0 / rate
        self._now, self._clock = now, clock
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.stage, self.counts = "", False

    def start(self) -> None:
        """Start the thread, if it has not started yet."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, once the request on its way is answered, and close the ledger."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT + 1)
        self.ledger.close()

    def ask_once(self) -> Entry:
        """Send one request, and keep its entry in the ledger."""
        at, began, stage, counts = self._now(), self._clock(), self.stage, self.counts
        status, version, error, reached = 0, "", "", True
        try:
            answer = self._http.request("GET", self._url, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as failure:
            error = f"{type(failure).__name__}: {failure}"[:200]
            reached = _was_reached(failure)
        else:
            status, version = answer.status_code, answer.headers.get(VERSION_HEADER, "")
            error = answer.text[:200] if status >= 500 else ""
        entry = Entry(at, round(self._clock() - began, 4), status, version, error, stage, counts, reached)
        self.ledger.add(entry)
        return entry

    def _run(self) -> None:
        due = self._clock()
        while True:
            self.ask_once()
            due = max(due + self._pause, self._clock())
            if self._ended.wait(due - self._clock()):
                return


def _was_reached(failure: Exception) -> bool:
    """Whether the load balancer took the connection, which it does whatever its targets do. A failure after
    that (no answer, an answer that is cut off or stalls) may be the version's fault.
    """
    if isinstance(failure, requests.ConnectTimeout):
        return False
    cause = failure.args[0] if failure.args else None
    return not isinstance(getattr(cause, "reason", cause), NewConnectionError | ProxyError)
