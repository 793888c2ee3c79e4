"""Runs one command of the pipeline, and kills it at one of its AWS calls, or breaks calls on their way.

    python -m tests.sweep.broken_aws FAULT CALLS COMMAND ...

FAULT is `none`, KIND@N for the Nth call that changes something, or KIND:SHARE:SEED for a share of all calls.
CALLS is a file that takes the names of the calls that change something. The faults stand between botocore and
the network: botocore's own retries see them as they would see AWS's.
"""

import json
import os
import random
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

READING = ("Describe", "Get", "List", "BatchGet", "BatchCheck", "Lookup", "Assume")
"""What the name of an operation begins with that changes nothing."""
IN_XML = ("cloudformation", "cloudwatch", "elastic-load-balancing-v2", "iam", "sts")
SLOW_SECONDS = 3.0
ONCE = ("throttled", "failed", "reset", "lost", "slow")
LASTING = ("expired", "skewed")
"""From the call on at which it begins, every call is broken so."""


def changes(operation: str) -> bool:
    """Whether a call of this operation changes something in AWS."""
    return not operation.startswith(READING)


@dataclass(frozen=True)
class Call:
    """A call on its way, and the kinds of faults: each gives what comes back, None for AWS's own answer."""

    request: AWSPreparedRequest
    service: str

    def killed_before(self) -> AWSResponse:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("this process is dead")

    def killed_after(self) -> AWSResponse:
        self._sent()
        return self.killed_before()

    def throttled(self) -> AWSResponse:
        code = "Throttling" if self.service in IN_XML else "ThrottlingException"
        return self._refused(400, code, "Rate exceeded")

    def failed(self) -> AWSResponse:
        return self._refused(500, "InternalFailure", "an internal error")

    def reset(self) -> AWSResponse:
        raise ConnectionClosedError(endpoint_url=self.request.url)

    def lost(self) -> AWSResponse:
        """AWS does what it is asked, and its answer does not come back."""
        self._sent()
        return self.reset()

    def slow(self) -> None:
        time.sleep(SLOW_SECONDS)

    def expired(self) -> AWSResponse:
        return self._refused(403, "ExpiredToken", "The security token included in the request is expired")

    def skewed(self) -> AWSResponse:
        """The clock of this machine has jumped, and AWS takes no signature of it."""
        return self._refused(403, "SignatureDoesNotMatch", "Signature not yet current: it is of tomorrow")

    def _sent(self) -> AWSResponse:
        return URLLib3Session().send(self.request)

    def _refused(self, status: int, code: str, message: str) -> AWSResponse:
        answer = AWSResponse(self.request.url, status, {}, None)
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        in_json = json.dumps({"__type": code, "message": message})
        body = f"<ErrorResponse>{error}</ErrorResponse>" if self.service in IN_XML else in_json
        answer._content = body.encode()
        return answer


@dataclass
class Fault:
    """What is done to the calls of this process. at: the number of a call that changes something, from 1 on,
    or 0 for a `share` of all calls. kind "any": one of ONCE.
    """

    kind: str
    at: int
    share: float
    dice: random.Random
    calls: Path
    _numbers: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        """botocore's before-send: None has the call sent, an answer stands for AWS's."""
        _, service, operation = event_name.split(".")
        kind = self._kind(request, service, operation)
        answer: AWSResponse | None = getattr(Call(request, service), kind)() if kind else None
        return answer

    def _kind(self, request: AWSPreparedRequest, service: str, operation: str) -> str:
        with self._lock:
            new = self._is_new(request, f"{service} {operation}") if changes(operation) else False
            if self.kind in LASTING:
                return self.kind if len(self._numbers) >= self.at else ""
            if self.at:
                return self.kind if new and len(self._numbers) == self.at else ""
            if self.dice.random() >= self.share:
                return ""
            return self.dice.choice(ONCE) if self.kind == "any" else self.kind

    def _is_new(self, request: AWSPreparedRequest, name: str) -> bool:
        """Whether this is the first sending of a call; its name is written down then."""
        call = str(request.headers.get("amz-sdk-invocation-id"))
        if call in self._numbers:
            return False
        self._numbers[call] = len(self._numbers) + 1
        with self.calls.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        return True


def fault_of(words: str, calls: Path) -> Fault:
    """The fault that is named by the first word of the command line."""
    found = re.fullmatch(r"(\w+)(?:@(\d+)|:([\d.]+):(\d+))?", words)
    assert found, words
    kind, at, share, seed = found.groups(default="0")
    return Fault(kind, int(at), float(share), random.Random(int(seed)), calls)  # noqa: S311 - repeatable dice


def main() -> None:
    fault = fault_of(sys.argv[1], Path(sys.argv[2]))

    class Session(boto3.Session):
        """Every session has the fault in it."""

        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            self.events.register_first("before-send", fault)

    boto3.Session = Session  # type: ignore[misc]
    sys.argv = ["pipeline", *sys.argv[3:]]
    from pipeline.__main__ import main as pipeline

    pipeline()


if __name__ == "__main__":
    main()
