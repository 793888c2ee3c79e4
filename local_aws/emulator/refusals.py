"""A refusal of AWS, as a value that any code below an operation or a resource type may raise."""

import uuid


class RefusedError(Exception):
    """A refused request: AWS's error code and message. handler_code: CloudFormation's code for the same."""

    def __init__(self, code: str, message: str, handler_code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.code, self.message, self.handler_code = code, message, handler_code


def resource_error(words: str, handler_code: str) -> ValueError:
    """A failure of a resource in the words of CloudFormation's resource events."""
    return ValueError(
        f'Resource handler returned message: "{words}" '
        f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {handler_code})"
    )
