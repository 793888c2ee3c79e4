"""The AWS session: its clients, its count of calls, and AWS's errors in Slipway's words.

Retries: the `standard` mode backs off with jitter on throttling and on transient errors; ten attempts span
more than a minute, so throttling never fails a deploy.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
"""

import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
from botocore.config import Config

from pipeline.environment import Environment, did_you_mean
from pipeline.errors import (
    AwsRefusedError,
    AwsUnreachableError,
    CredentialsError,
    EnvironmentFileError,
    SlipwayError,
    UsageError,
    WrongAccountError,
    full_disk,
)

_ATTEMPTS = 10
# The first call of every command is to STS: where nothing answers it should not take a minute to say so.
_FIRST_ATTEMPTS = 3
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INVALID = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}


@dataclass(frozen=True)
class Access:
    """How to reach AWS: only the region for a real one, `endpoint` and throw-away keys for the local one."""

    region: str
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None


class Aws:
    """Clients by service name, made once; boto3 sessions are not safe across threads, clients are."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._calls = 0
        self._session = boto3.Session(
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            region_name=access.region,
        )
        self._session.events.register("before-send", self._count)

    @property
    def calls(self) -> int:
        """Requests sent so far, retries included."""
        return self._calls

    @property
    def region(self) -> str:
        return self.access.region

    def must_know_region(self, environment: Environment) -> None:
        """Raises EnvironmentFileError for a region that has no Fargate, as far as this boto3 knows."""
        partitions = self._session.get_available_partitions()
        known = [r for p in partitions for r in self._session.get_available_regions("ecs", p)]
        if self.region not in known:
            raise EnvironmentFileError(
                f"infra/environments/{environment.name}.yaml: region: "
                f"{self.region} is not an AWS region with ECS" + did_you_mean(self.region, known),
                next_step="correct it, or update boto3 if the region is a new one",
            )

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                config = _config(service)
                try:
                    self._clients[service] = self._session.client(
                        service, endpoint_url=self.access.endpoint, config=config
                    )
                except ValueError as error:
                    raise UsageError(
                        "that is no address of AWS",
                        why=str(error),
                        next_step="write AWS_ENDPOINT_URL as http://localhost:4566, or unset it",
                    ) from error
            return self._clients[service]

    @property
    def on_this_machine(self) -> bool:
        """Whether images go to this machine and not to AWS: a rehearsal, by whatever way boto3 was told."""
        host = urlsplit(self.client("ecr").meta.endpoint_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def _count(self, **_: Any) -> None:
        self._calls += 1


def _config(service: str) -> Config:
    attempts = _FIRST_ATTEMPTS if service == "sts" else _ATTEMPTS
    return Config(
        retries={
            "mode": "standard",
            "total_max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS", attempts)),
        },
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=25,
        user_agent_extra="slipway",
    )


def guard_account(identity: Mapping[str, Any], environment: Environment) -> None:
    """Refuse the credentials of any account but the environment's; raises WrongAccountError.

    identity: STS GetCallerIdentity's answer.
    """
    account = str(identity["Account"])
    if account != environment.account:
        raise WrongAccountError(
            f"these credentials belong to account {account}",
            why=f"infra/environments/{environment.name}.yaml allows {environment.account} only",
            next_step="use the other account's credentials, or correct `account` in that file",
        )


def first_failure(errors: Iterable[BaseException | None]) -> SlipwayError | None:
    """The first error in our words, or None where there is none; one that is a bug is raised as it is."""
    for error in errors:
        if error is not None:
            ours = in_our_words(error)
            if ours is None:
                raise error
            return ours
    return None


def in_our_words(error: BaseException) -> SlipwayError | None:
    """AWS's, the network's or a full disk's error as one of ours, or None where it is a bug."""
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
            "AWS could not be asked", why=str(error), next_step="mend what it names and run the command again"
        )
    return full_disk(str(error))


def _from_answer(error: Any) -> SlipwayError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "") or str(error)
    operation = error.operation_name
    if code in _EXPIRED:
        return CredentialsError(
            "the AWS credentials have expired",
            why=message,
            next_step="sign in again and run the same command: it carries on where this one stopped",
        )
    if code in _INVALID:
        return CredentialsError(
            "AWS does not know these credentials",
            why=message,
            next_step="check AWS_PROFILE or the access key",
        )
    if code in _DENIED:
        action = re.search(r"perform: (\S+)", message)
        resource = re.search(r"on resource: (\S+)", message)
        what = action.group(1) if action else operation
        return CredentialsError(
            f"these credentials may not {what}" + (f" on {resource.group(1)}" if resource else ""),
            why=message,
            next_step="add that permission to the role, then run the command again",
        )
    return AwsRefusedError(
        f"AWS refused {operation} ({code})",
        why=message,
        next_step="mend what AWS names and run the command again",
    )
