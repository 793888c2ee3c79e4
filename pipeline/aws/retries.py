"""What botocore's retries leave open: long throttling, and a call that is sent again after it has worked.

https://docs.aws.amazon.com/boto3/latest/guide/retries.html
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.hooks import BaseEventHooks
from botocore.model import OperationModel

from pipeline.aws.errors import Tolerated

_THROTTLED = frozenset(
    {
        "EC2ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""botocore's codes without LimitExceededException: CloudFormation gives that one for a quota, too, which no
wait raises.
"""
LONGEST_PAUSE = 20.0
PATIENCE = 90 * 60.0
"""Seconds; the patience is what a stack may take where no environment says how long."""
_TOLD_FROM = 4
"""The attempt from which throttling is worth a line."""

logger = logging.getLogger("slipway.aws")


class ThrottlingPatience:
    """Sends a throttled call again after botocore has given up: after its attempts, or its quota of retries.

    seconds: from a call's first throttled answer until the call fails. Each pause lasts between half of
    LONGEST_PAUSE and all of it, so that the service is asked less often meanwhile.
    """

    def __init__(self, seconds: float = PATIENCE, jitter: Callable[[], float] = random.random) -> None:
        self._seconds, self._jitter = seconds, jitter
        self._told: set[str] = set()

    def watch(self, events: BaseEventHooks, service_id: str) -> None:
        """Look at every answer of a client. botocore looks first, and its pauses come first."""
        # The types of botocore know handlers that give nothing; this event asks for a number.
        events.register_last(f"needs-retry.{service_id}", self._pause)  # type: ignore[arg-type]

    def _pause(
        self,
        response: tuple[Any, Mapping[str, Any]] | None,
        operation: OperationModel,
        attempts: int,
        request_dict: Mapping[str, Any],
        **_: object,
    ) -> float | None:
        """Seconds until the call is sent again; None where it was not throttled, or was for too long."""
        error = response[1].get("Error", {}) if response is not None else {}
        if error.get("Code") not in _THROTTLED:
            return None
        now = time.monotonic()
        if now - request_dict["context"].setdefault("slipway_throttled_since", now) > self._seconds:
            return None
        service = str(operation.service_model.service_id)
        if attempts >= _TOLD_FROM and service not in self._told:
            self._told.add(service)
            logger.warning(
                "%s throttles this account (%s): asking less often, and waiting for at most %.0f minutes",
                service,
                error.get("Message") or error["Code"],
                self._seconds / 60,
            )
        return LONGEST_PAUSE * (1 - self._jitter() / 2)


class DoneBefore(Tolerated):
    """Leaves its block without an error where a call that was sent again finds what the first one has done.

    botocore sends a call again when no answer came, and the call may have worked. codes: those with which AWS
    then refuses. On a call that was sent once they are errors.
    """

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ClientError) or not super().__exit__(kind, error, trace):
            return False
        return error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
