"""The errors of AWS, of the network and of a full disk, in Slipway's words."""

import re
from collections.abc import Iterable, Mapping

import botocore.exceptions

from pipeline.errors import AwsRefusedError, AwsUnreachableError, CredentialsError, SlipwayError, full_disk

# AWS refuses a request that was signed by a wrong clock with various codes.
_CLOCK = re.compile(r"Signature expired|Signature not yet current|RequestTimeTooSkewed")
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INVALID = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}


class Tolerated:
    """Leaves its block without an error where AWS answers with one of these codes."""

    def __init__(self, *codes: str) -> None:
        self._codes = codes

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, botocore.exceptions.ClientError):
            return False
        return error.response["Error"]["Code"] in self._codes


def denied(error: botocore.exceptions.ClientError) -> bool:
    """Whether AWS refused the call because no policy allows it."""
    return error.response["Error"]["Code"] in _DENIED


def code_of(error: botocore.exceptions.ClientError | botocore.exceptions.BotoCoreError) -> str:
    """AWS's code of a refusal; of a call that AWS did not answer, the kind of failure."""
    if isinstance(error, botocore.exceptions.ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__


def first_failure(errors: Iterable[BaseException | None]) -> SlipwayError | None:
    """The first error in Slipway's words, or None where there is none. A bug is raised as it is."""
    for error in errors:
        if error is not None:
            ours = in_our_words(error)
            if ours is None:
                raise error
            return ours
    return None


def others(failure: SlipwayError, errors: Mapping[str, BaseException | None]) -> dict[str, SlipwayError]:
    """The errors, by name and in Slipway's words, without `failure` itself."""
    found = {name: in_our_words(error) for name, error in errors.items() if error is not None}
    return {name: error for name, error in found.items() if error is not None and str(error) != str(failure)}


def in_our_words(error: BaseException) -> SlipwayError | None:
    """The error of AWS, of the network or of a full disk as a SlipwayError; None for a bug."""
    if isinstance(error, SlipwayError):
        return error
    if isinstance(error, botocore.exceptions.ClientError):
        return _from_answer(error)
    if isinstance(
        error,
        botocore.exceptions.NoCredentialsError
        | botocore.exceptions.PartialCredentialsError
        | botocore.exceptions.CredentialRetrievalError
        | botocore.exceptions.ProfileNotFound
        | botocore.exceptions.TokenRetrievalError
        | botocore.exceptions.SSOError
        | botocore.exceptions.LoginError,
    ):
        return CredentialsError(
            "there are no usable AWS credentials",
            why=str(error),
            next_step="sign in (aws sso login, or set AWS_PROFILE) and run the command again",
        )
    if isinstance(error, botocore.exceptions.HTTPClientError | botocore.exceptions.ConnectionError):
        return AwsUnreachableError(
            "AWS does not answer",
            why=str(error),
            next_step="check the network, the region and AWS_ENDPOINT_URL; then run the command again",
        )
    if isinstance(error, botocore.exceptions.BotoCoreError):
        return AwsUnreachableError(
            "AWS could not be asked",
            why=str(error),
            next_step="mend what the reason names and run the command again",
        )
    return full_disk(str(error))


def _from_answer(error: botocore.exceptions.ClientError) -> SlipwayError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "") or str(error)
    operation = error.operation_name
    if code in _EXPIRED:
        what = "the AWS credentials have expired"
        next_step = "sign in again and run the same command: it carries on where this one stopped"
    elif _CLOCK.search(f"{code} {message}"):
        what = "this machine's clock is wrong"
        next_step = "set the clock, which AWS allows to be 5 minutes off, and run the command again"
    elif code in _INVALID:
        what = "AWS does not know these credentials"
        next_step = (
            "check AWS_PROFILE or the access key; or enable the region in the account's settings, "
            "if AWS does not enable that region by itself"
        )
    elif code in _DENIED:
        action = re.search(r"perform: (\S+)", message)
        resource = re.search(r"on resource: (\S+)", message)
        what = f"these credentials may not {action[1] if action else operation}"
        what += f" on {resource[1]}" if resource else ""
        next_step = "add that permission to the role, then run the command again"
    else:
        next_step = "mend what AWS names and run the command again"
        return AwsRefusedError(f"AWS refused {operation} ({code})", why=message, next_step=next_step)
    return CredentialsError(what, why=message, next_step=next_step)
