"""The AWS session: its clients, its count of calls, and the account that it must belong to.

Retries: the `standard` mode backs off with jitter on throttling and on transient errors. It gives up after
ten attempts, or earlier where many calls fail; a call that is throttled even then is left to `retries`.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
"""

import os
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from pipeline.aws.retries import PATIENCE, ThrottlingPatience
from pipeline.config.environment import Environment, did_you_mean
from pipeline.errors import EnvironmentFileError, UsageError, WrongAccountError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecr import ECRClient
    from types_boto3_ecs import ECSClient
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client
    from types_boto3_freetier import FreeTierClient
    from types_boto3_iam import IAMClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_rds import RDSClient
    from types_boto3_s3 import S3Client
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_ssm import SSMClient
    from types_boto3_sts import STSClient
    from types_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef

_ATTEMPTS = 10
# The first call of every command is to STS; where nothing answers, an error must not take a minute.
_FIRST_ATTEMPTS = 3


@dataclass(frozen=True)
class Access:
    """How to reach AWS: the region alone for AWS itself, `endpoint` and throw-away keys for the local AWS."""

    region: str
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None


class Aws:
    """Clients by service name, each made once: a client is safe across threads, a boto3 session is not.

    patience: seconds for which a call that AWS throttles is sent again.

    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html
    """

    def __init__(self, access: Access, patience: float = PATIENCE) -> None:
        self.access = access
        self._throttling = ThrottlingPatience(patience)
        self._lock = threading.Lock()
        self._clients: dict[str, object] = {}
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
        """The region's name, eu-west-1."""
        return self.access.region

    def must_know_region(self, environment: Environment) -> None:
        """Raises EnvironmentFileError for a region that has no ECS, as far as this boto3 knows."""
        partitions = self._session.get_available_partitions()
        known = [r for p in partitions for r in self._session.get_available_regions("ecs", p)]
        if self.region not in known:
            raise EnvironmentFileError(
                f"infra/environments/{environment.name}.yaml: region: "
                f"{self.region} is not an AWS region with ECS" + did_you_mean(self.region, known),
                next_step="correct the region, or update boto3 if the region is new",
            )

    @overload
    def client(self, service: Literal["cloudformation"]) -> "CloudFormationClient": ...
    @overload
    def client(
        self, service: Literal["cloudtrail"]
    ) -> Any: ...  # Any: no stubs are installed for this one call
    @overload
    def client(self, service: Literal["cloudwatch"]) -> "CloudWatchClient": ...
    @overload
    def client(self, service: Literal["ec2"]) -> "EC2Client": ...
    @overload
    def client(self, service: Literal["ecr"]) -> "ECRClient": ...
    @overload
    def client(self, service: Literal["ecs"]) -> "ECSClient": ...
    @overload
    def client(self, service: Literal["elbv2"]) -> "ElasticLoadBalancingv2Client": ...
    @overload
    def client(self, service: Literal["freetier"]) -> "FreeTierClient": ...
    @overload
    def client(self, service: Literal["iam"]) -> "IAMClient": ...
    @overload
    def client(self, service: Literal["logs"]) -> "CloudWatchLogsClient": ...
    @overload
    def client(self, service: Literal["rds"]) -> "RDSClient": ...
    @overload
    def client(self, service: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, service: Literal["service-quotas"]) -> "ServiceQuotasClient": ...
    @overload
    def client(self, service: Literal["ssm"]) -> "SSMClient": ...
    @overload
    def client(self, service: Literal["sts"]) -> "STSClient": ...
    def client(self, service: Any) -> Any:
        """The client of a service, made at its first use. Raises UsageError for a wrong AWS_ENDPOINT_URL."""
        # Any: the overloads say which client each name gives.
        with self._lock:
            if service not in self._clients:
                config = _config(service)
                try:
                    made = self._session.client(service, endpoint_url=self.access.endpoint, config=config)
                except ValueError as error:
                    raise UsageError(
                        "AWS_ENDPOINT_URL is no address",
                        why=str(error),
                        next_step="write AWS_ENDPOINT_URL as http://localhost:4566, or unset it",
                    ) from error
                if service != "sts":  # the first call of every command: an error must not take long
                    self._throttling.watch(made.meta.events, made.meta.service_model.service_id.hyphenize())
                self._clients[service] = made
            return self._clients[service]

    @property
    def on_this_machine(self) -> bool:
        """Whether ECR's endpoint is this machine, so that this is a rehearsal, however boto3 was told."""
        host = urlsplit(self.client("ecr").meta.endpoint_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def _count(self, **_: object) -> None:
        self._calls += 1


def _config(service: str) -> Config:
    attempts = _FIRST_ATTEMPTS if service == "sts" else _ATTEMPTS
    named = os.environ.get("AWS_MAX_ATTEMPTS") or "0"
    if not named.isdecimal():
        raise UsageError(
            "AWS_MAX_ATTEMPTS is not a number",
            why=f"it is {named!r}",
            next_step="set it to a whole number, or unset it",
        )
    return Config(
        # Never fewer: with fewer attempts throttling would end a release.
        retries={"mode": "standard", "total_max_attempts": max(attempts, int(named))},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=25,
        user_agent_extra="slipway",
    )


def guard_account(identity: "GetCallerIdentityResponseTypeDef", environment: Environment) -> None:
    """Refuse the credentials of any account but the environment's; raises WrongAccountError.

    identity: STS GetCallerIdentity's answer.
    """
    account = identity["Account"]
    if account != environment.account:
        raise WrongAccountError(
            f"these credentials belong to account {account}",
            why=f"infra/environments/{environment.name}.yaml allows {environment.account} only",
            next_step="use the other account's credentials, or correct `account` in that file",
        )
