"""AWS's errors in Slipway's words."""

import botocore.exceptions
import pytest

from pipeline.aws import errors
from pipeline.errors import AwsRefusedError, AwsUnreachableError, CredentialsError, SlipwayError, UsageError
from tests.support.fakes import client_error

STACKS = "arn:aws:cloudformation:eu-west-1:1:stack/a/*"


def words(error: BaseException) -> SlipwayError:
    ours = errors.in_our_words(error)
    assert ours is not None
    return ours


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (
            client_error("GetCallerIdentity", "ExpiredToken", "x"),
            CredentialsError,
            "the AWS credentials have expired",
        ),
        (
            client_error("GetCallerIdentity", "InvalidClientTokenId", "x"),
            CredentialsError,
            "AWS does not know these credentials",
        ),
        (
            client_error("GetParameter", "InvalidSignatureException", "The request signature we calculated"),
            CredentialsError,
            "AWS does not know these credentials",
        ),
        *(
            (
                client_error("GetCallerIdentity", code, message),
                CredentialsError,
                "this machine's clock is wrong",
            )
            for code, message in (
                ("SignatureDoesNotMatch", "Signature expired: 20261123T120000Z is now earlier than ..."),
                (
                    "SignatureDoesNotMatch",
                    "Signature not yet current: 20261123T120000Z is still later than ...",
                ),
                ("InvalidSignatureException", "Signature expired: 20261123T120000Z is now earlier than ..."),
                ("RequestTimeTooSkewed", "The difference between the request time and the current time ..."),
            )
        ),
        (
            client_error(
                "CreateChangeSet",
                "AccessDenied",
                "User: arn:aws:iam::1:user/ada is not authorized to perform: cloudformation:CreateChangeSet "
                f"on resource: {STACKS} because no policy allows it",
            ),
            CredentialsError,
            f"these credentials may not cloudformation:CreateChangeSet on {STACKS}",
        ),
        (
            client_error("DescribeImages", "AccessDeniedException", "no"),
            CredentialsError,
            "these credentials may not DescribeImages",
        ),
        (
            client_error("PutParameter", "ParameterLimitExceeded", "too many"),
            AwsRefusedError,
            "AWS refused PutParameter (ParameterLimitExceeded)",
        ),
        (
            botocore.exceptions.NoCredentialsError(),
            CredentialsError,
            "there are no usable AWS credentials",
        ),
        (
            botocore.exceptions.ProfileNotFound(profile="x"),
            CredentialsError,
            "there are no usable AWS credentials",
        ),
        (
            botocore.exceptions.LoginRefreshRequired(),
            CredentialsError,
            "there are no usable AWS credentials",
        ),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"),
            AwsUnreachableError,
            "AWS does not answer",
        ),
        (
            botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"),
            AwsUnreachableError,
            "AWS does not answer",
        ),
        (botocore.exceptions.NoRegionError(), AwsUnreachableError, "AWS could not be asked"),
    ],
)
def test_an_error_of_awss_is_told_in_our_words(
    error: BaseException, kind: type[SlipwayError], what: str
) -> None:
    ours = words(error)

    assert kind is type(ours)
    assert what == ours.what
    assert ours.next_step


def test_our_own_errors_stay_as_they_are_and_bugs_are_not_dressed_up() -> None:
    ours = UsageError("x")

    assert ours is errors.in_our_words(ours)
    assert errors.in_our_words(KeyError("x")) is None


def test_of_several_errors_the_first_is_told_and_a_bug_is_raised() -> None:
    ours = UsageError("x")

    assert errors.first_failure([None, None]) is None
    assert ours is errors.first_failure([None, ours, KeyError("x")])
    with pytest.raises(KeyError):
        errors.first_failure([KeyError("x"), ours])


def test_an_opt_in_region_is_named_as_a_reason_for_unknown_credentials() -> None:
    unknown = client_error("GetCallerIdentity", "InvalidClientTokenId", "The security token is invalid")

    assert "or enable the region" in words(unknown).next_step
