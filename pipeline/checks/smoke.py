"""Smoke tests: HTTP checks of a running service at its load balancer, each with its time.

The checks of every service are here: the service answers, the expected version settles, a forbidden method
gets 405, the actuator is not reachable. The checks of one service are in app/smoke.yaml (smoke_file.py).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import requests
from requests import Session

from pipeline.errors import SmokeFailedError, UsageError, WaitTimeoutError
from pipeline.waiting import Waiter

VERSION_HEADER = "X-Service-Version"
DIGEST_HEADER = "X-Image-Digest"
LONGEST_PAUSE = 2.0
"""Seconds between two requests to a service that has not settled."""
SETTLED_AFTER = 5
"""Answers in a row from the expected version. A single answer proves nothing about a second target."""


_WAITER = Waiter(longest_pause=LONGEST_PAUSE)


@dataclass(frozen=True)
class Target:
    """The service under test. probe: a path that answers 200. version, digest: of the image that must answer;
    None for any. forbidden_method: a method that the listener refuses.
    """

    url: str
    probe: str = "/"
    version: str | None = None
    forbidden_method: str = "DELETE"
    settle_seconds: float = 120.0
    digest: str | None = None


@dataclass(frozen=True)
class Check:
    """A named check. run: gives in a word what the check saw, or raises CheckFailed."""

    name: str
    run: Callable[[Session], str]


@dataclass(frozen=True)
class Outcome:
    """What a check found. seconds: how long the check took; detail: what the check saw."""

    name: str
    passed: bool
    seconds: float
    detail: str

    def __str__(self) -> str:
        mark = "passed" if self.passed else "FAILED"
        return f"{mark} in {self.seconds:5.2f} s: {self.name} ({self.detail})"


class CheckFailed(Exception):  # noqa: N818 - an outcome, not an error of the program
    """A check saw something else than it expected."""


def generic_checks(target: Target, waiter: Waiter = _WAITER) -> list[Check]:
    """The checks that every service must pass."""
    checks = [Check("the service answers", lambda http: _answers(http, target, waiter))]
    if target.version:
        checks.append(Check(f"version {target.version} serves", lambda http: _settles(http, target, waiter)))
    if target.digest:
        checks.append(Check("its image is the one released", lambda http: _digest(http, target)))
    return [
        *checks,
        Check(f"{target.forbidden_method} is refused with 405", lambda http: _forbidden(http, target)),
        Check("the actuator is not reachable from outside", lambda http: _hidden(http, target)),
    ]


def run(
    checks: Sequence[Check],
    http: Session,
    told: Callable[[Outcome], None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """Run the checks in order. If the first check fails, on which the others rest, the others are not run."""
    outcomes: list[Outcome] = []
    for check in checks:
        started = clock()
        try:
            passed, detail = True, check.run(http)
        except CheckFailed as failed:
            passed, detail = False, str(failed)
        except requests.RequestException as error:
            passed, detail = False, f"no answer: {error}"
        outcomes.append(Outcome(check.name, passed, clock() - started, detail))
        told(outcomes[-1])
        if not passed and len(outcomes) == 1:
            break
    return outcomes


def failure_of(outcomes: Iterable[Outcome], url: str, environment: str) -> SmokeFailedError | None:
    """The error that names every check that failed; None where all passed."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if not failed:
        return None
    return SmokeFailedError(
        f"{len(failed)} smoke test{'s' if len(failed) > 1 else ''} failed at {url}",
        why=f"{failed[0].name}: {failed[0].detail}",
        next_step=f"see what the service says: python -m pipeline logs {environment}",
        details=[f"{outcome.name}: {outcome.detail}" for outcome in failed],
    )


def ask(
    http: Session, method: str, url: str, headers: Mapping[str, str] | None = None, json: object = None
) -> requests.Response:
    """One request; redirects are answers like any other."""
    return http.request(method, url, timeout=10, allow_redirects=False, headers=headers, json=json)


def _answers(http: Session, target: Target, waiter: Waiter) -> str:
    seen = "nothing"

    def probe() -> str | None:
        nonlocal seen
        try:
            answer = ask(http, "GET", target.url + target.probe)
        except requests.RequestException as error:
            seen = f"no answer: {error}"
            return None
        seen = f"{answer.status_code} {answer.reason}"
        return seen if answer.status_code == 200 else None

    return _within(waiter, target, probe, lambda: f"GET {target.probe}: {seen}; 200 was expected")


def _settles(http: Session, target: Target, waiter: Waiter) -> str:
    seen: str | None = None

    def probe() -> str | None:
        nonlocal seen
        for _ in range(SETTLED_AFTER):
            try:
                seen = ask(http, "GET", target.url + target.probe).headers.get(VERSION_HEADER)
            except requests.RequestException as error:
                seen = f"no answer: {error}"
            if seen != target.version:
                return None
        return f"{SETTLED_AFTER} answers in a row"

    return _within(
        waiter, target, probe, lambda: f"{VERSION_HEADER} is {seen!r}; {target.version!r} was expected"
    )


def _digest(http: Session, target: Target) -> str:
    seen = ask(http, "GET", target.url + target.probe).headers.get(DIGEST_HEADER)
    if seen != target.digest:
        raise CheckFailed(f"{DIGEST_HEADER} is {seen!r}; {target.digest!r} was expected")
    return str(seen)[:19]


def _within(
    waiter: Waiter, target: Target, probe: Callable[[], str | None], complaint: Callable[[], str]
) -> str:
    try:
        return waiter.until(probe, what="settling", timeout=target.settle_seconds)
    except WaitTimeoutError as error:
        raise CheckFailed(complaint()) from error


def _forbidden(http: Session, target: Target) -> str:
    answer = ask(http, target.forbidden_method, target.url + target.probe)
    if answer.status_code != 405:
        raise CheckFailed(f"{target.forbidden_method} {target.probe}: {answer.status_code}; 405 was expected")
    return "405"


def _hidden(http: Session, target: Target) -> str:
    for path in ("/actuator", "/actuator/health", "/actuator/info", "/actuator/prometheus"):
        answer = ask(http, "GET", target.url + path)
        if answer.status_code not in (403, 404):
            raise CheckFailed(f"GET {path}: {answer.status_code}; 404 was expected")
    return "404"


def forbidden_method(allowed: str) -> str:
    """A method that is not in `allowed`, the comma-separated list of the parameter AllowedHttpMethods.

    Raises UsageError where every method is allowed.
    """
    methods = {method.strip().upper() for method in allowed.split(",")}
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS"):
        if method not in methods:
            return method
    raise UsageError("every HTTP method is allowed", next_step="take a method out of AllowedHttpMethods")
