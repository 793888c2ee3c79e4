"""SSM parameters with random values: SecureStrings, which CloudFormation cannot create, and plain ones.

Values are made here, go straight to SSM, and are never printed or logged. Only the secret of the test
traffic is read back: the smoke tests send it to reach the version under test.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
"""

import secrets
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline import masking
from pipeline.aws.errors import Tolerated
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient
    from types_boto3_ssm.literals import ParameterTypeType

_UNREADABLE = "?"  # the version of a parameter that these credentials may not read
REUSED_AFTER = 30.0
"""Seconds from the deletion of a parameter until SSM takes its name again.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
"""
_BATCH = 10  # GetParameters and DeleteParameters take ten names


def create(
    ssm: "SSMClient",
    name: str,
    tags: Mapping[str, str],
    wait: Wait,
    kind: "ParameterTypeType" = "SecureString",
) -> bool:
    """Create a parameter with 192 random bits. False where somebody else made it first: their value stays.

    Raises WaitTimeoutError where SSM still refuses after 60 seconds.
    """
    value = masking.remember(secrets.token_urlsafe(24))

    def probe() -> bool | None:
        try:
            ssm.put_parameter(
                Name=name,
                Value=value,
                Type=kind,
                Overwrite=False,
                Tags=[{"Key": key, "Value": text} for key, text in sorted(tags.items())],
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TooManyUpdates":  # another write of this name is under way, and may yet fail
                return None
            if code == "ParameterAlreadyExists":
                return False
            raise
        return True

    return wait(probe, what=f"the parameter {name}", timeout=60)


def renew(
    ssm: "SSMClient",
    name: str,
    tags: Mapping[str, str],
    wait: Wait,
    kind: "ParameterTypeType" = "SecureString",
    other_than: Collection[int] = (),
) -> None:
    """Give a parameter another 192 random bits, in a version that is not among `other_than`.

    One that is gone is made anew, and begins with version 1 again. Raises what `create` raises.
    """
    version = 1 if create(ssm, name, tags, wait, kind) else 0
    while version == 0 or version in other_than:
        value = masking.remember(secrets.token_urlsafe(24))

        def probe(value: str = value) -> int | None:
            with Tolerated("TooManyUpdates"):
                return ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)["Version"]
            return None

        version = wait(probe, what=f"the parameter {name}", timeout=60)


def delete(ssm: "SSMClient", names: Iterable[str]) -> list[str]:
    """Delete parameters; give the names of those that existed."""
    deleted: list[str] = []
    for batch in batches(names):
        deleted.extend(ssm.delete_parameters(Names=batch).get("DeletedParameters", []))
    return deleted


class ParameterVersions:
    """Which version SSM parameters have now: read ten at a time, kept until `forget`, safe across threads.

    expected: names that will be asked for, and are read along with the first ones.
    """

    def __init__(self, ssm: "SSMClient", expected: Iterable[str] = ()) -> None:
        self._ssm = ssm
        self._expected = frozenset(expected)
        self._lock = threading.Lock()
        self._known: dict[str, str | None] = {}

    def of(self, names: Iterable[str]) -> dict[str, str | None]:
        """Name -> `version@second of the change`; None where there is no such parameter. A name that these
        credentials may not read has a version that never changes.
        """
        wanted = frozenset(names)
        with self._lock:
            if unknown := wanted - self._known.keys():
                self._known |= self._read(sorted(unknown | (self._expected - self._known.keys())))
            return {name: self._known[name] for name in sorted(wanted)}

    def forget(self) -> None:
        """After something was changed that may have changed parameters."""
        with self._lock:
            self._known.clear()

    def _read(self, names: list[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = dict.fromkeys(names)
        for batch in batches(names):
            try:
                answers = [self._ssm.get_parameters(Names=batch, WithDecryption=False)]
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDeniedException":
                    raise
                answers = []
                for name in batch:
                    try:
                        answers.append(self._ssm.get_parameters(Names=[name], WithDecryption=False))
                    except ClientError as denied:
                        if denied.response["Error"]["Code"] != "AccessDeniedException":
                            raise
                        found[name] = _UNREADABLE
            for parameter in (one for answer in answers for one in answer.get("Parameters", [])):
                # A parameter that is deleted and made again begins with version 1 again.
                changed = int(parameter["LastModifiedDate"].timestamp())
                found[parameter["Name"]] = f"{parameter['Version']}@{changed}"
        return found


def batches(names: Iterable[str]) -> list[list[str]]:
    """The names in lists of ten, as many as one call takes."""
    all_names = list(names)
    return [all_names[i : i + _BATCH] for i in range(0, len(all_names), _BATCH)]
