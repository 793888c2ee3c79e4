"""A hook into Parameter Store: the versions that it keeps."""

from collections.abc import Callable
from typing import Any

from local_aws.emulator import internals
from local_aws.emulator.request import Response


def versions() -> Any:
    """Name -> the versions of the parameter, the oldest first; of the account and region of the request."""
    return internals.get("ssm", "_parameter_history")


def after_put(then: Callable[[str], None]) -> None:
    """Call then(name) after each PutParameter that was not refused."""

    def wrap(shipped: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
        def put(request: dict[str, Any]) -> Response:
            answer = shipped(request)
            if answer[0] == 200:
                then(request["Name"])
            return answer

        return put

    internals.replace("ssm", "_put_parameter", wrap)
