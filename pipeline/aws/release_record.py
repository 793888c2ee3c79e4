"""What was released to an environment: one SSM parameter, written as a release begins and as it ends.

SSM keeps the last 100 versions of a parameter, which are about fifty releases, and deletes the oldest by
itself: the record outlives the machine that a release runs on, and does not grow without end.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.aws.errors import Tolerated
from pipeline.masking import masked

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

SUCCEEDED, FAILED, INTERRUPTED, UNDER_WAY, LOST = "succeeded", "failed", "interrupted", "under way", "lost"
WHY_LIMIT = 400
"""Characters. Two releases must fit into the 4096 of a parameter's value."""


class Release(BaseModel):
    """A release or rollback of an environment.

    id: no two releases have the same. action: deploy or rollback. commit: of app/, with `-dirty` where files
    differed from it, "" where nobody knows. image: URI@digest, "" before it is known. by: who; run: the
    address of GitHub's run, or "". began, ended: ISO 8601 in UTC. may_serve: whether this version may be what
    serves since then; True until the release has ended otherwise.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    action: str
    commit: str = ""
    version: str = ""
    image: str = ""
    by: str = ""
    run: str = ""
    began: str = ""
    ended: str = ""
    outcome: str = UNDER_WAY
    why: str = ""
    may_serve: bool = True


class _Value(BaseModel):
    """The parameter's value. last: the latest release before `release` that may serve."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    release: Release
    last: Release | None = None


@dataclass(frozen=True)
class Ending:
    """How a release ended; `image` and `version` are known by then."""

    outcome: str
    may_serve: bool
    why: str = ""
    image: str = ""
    version: str = ""


class Recording:
    """A release that is under way. `ended` says how it ended; one that nobody says is taken for failed."""

    def __init__(self) -> None:
        self.ending = Ending(FAILED, may_serve=True)

    def ended(self, ending: Ending) -> None:
        self.ending = ending


class ReleaseRecord:
    """The record of one environment, as it is now. `last`: what was released last, None where nothing was."""

    def __init__(self, ssm: "SSMClient", name: str) -> None:
        self._ssm, self._name = ssm, name
        self._current = self._read()

    @property
    def latest(self) -> Release | None:
        """What was begun last, however it ended."""
        return self._current.release if self._current else None

    @property
    def last_ended(self) -> Release | None:
        """The latest release that has ended and may serve: what is under way is left out."""
        if self._current is None:
            return None
        release = self._current.release
        return release if release.may_serve and release.ended else self._current.last

    @property
    def last(self) -> Release | None:
        """The latest release that may serve, one whose end nobody has recorded among them."""
        if self._current is None:
            return None
        return self._current.release if self._current.release.may_serve else self._current.last

    def commit_of(self, image: str) -> str:
        """The commit that an earlier release of the same digest came from; "" where the record has none.

        A role that may not read the history yet (bootstrap was not run again) gives "", too.
        """
        digest = image.rpartition("@")[2]
        try:
            found = [each for each in history(self._ssm, self._name) if each.image.endswith(f"@{digest}")]
        except (BotoCoreError, ClientError):
            found = [each for each in (self.last_ended,) if each and each.image.endswith(f"@{digest}")]
        return next((each.commit for each in found if each.commit), "")

    def note(self, release: Release) -> None:
        """Write a release that has ended already, such as a rollout that was stopped."""
        self._write(_Value(release=release, last=self.last_ended))

    def begin(self, release: Release) -> None:
        """Write that a release begins. A runner that is killed leaves this, and no end."""
        self._write(_Value(release=release, last=self.last))

    def end(self, release: Release, ending: Ending, log: Callable[[str], None]) -> None:
        """Write how a release ended. A write that fails does not fail the release."""
        known = {key: value for key, value in asdict(ending).items() if value != ""}
        known |= {"why": masked(ending.why)[:WHY_LIMIT], "ended": now()}
        last = self._current.last if self._current else None
        try:
            self._write(_Value(release=release.model_copy(update=known), last=last))
        except (BotoCoreError, ClientError) as error:
            log(f"how this release ended was not recorded: {error}")

    @contextmanager
    def recording(self, release: Release, log: Callable[[str], None]) -> Iterator[Recording]:
        """Begin the record of a release, and end the record with the block, whatever ends the block."""
        recording = Recording()
        self.begin(release)
        try:
            yield recording
        except KeyboardInterrupt:
            recording.ended(Ending(INTERRUPTED, may_serve=True))
            raise
        except Exception as error:
            recording.ended(replace(recording.ending, why=str(error)))
            raise
        finally:
            self.end(release, recording.ending, log)

    def _write(self, value: _Value) -> None:
        text = value.model_dump_json()
        self._ssm.put_parameter(Name=self._name, Value=text, Type="String", Overwrite=True)
        self._current = value

    def _read(self) -> _Value | None:
        with Tolerated("ParameterNotFound"):
            return _value(self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"])
        return None


def parameter_name(service: str, environment: str) -> str:
    """The name of the SSM parameter that holds an environment's record."""
    return f"/slipway/{service}/{environment}/releases"


def now() -> str:
    """The time as the record has it: ISO 8601 in UTC, in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def history(ssm: "SSMClient", name: str) -> list[Release]:
    """The releases that SSM remembers, the latest first; empty where there was none.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html
    """
    found: dict[str, Release] = {}
    with Tolerated("ParameterNotFound"):
        for page in ssm.get_paginator("get_parameter_history").paginate(Name=name):
            for version in page["Parameters"]:
                value = _value(version["Value"])
                if value is not None and not _ended(found, value.release):
                    found[value.release.id] = value.release
    return list(found.values())[::-1]


def _ended(found: dict[str, Release], release: Release) -> bool:
    known = found.get(release.id)
    return known is not None and bool(known.ended)


def _value(text: str) -> _Value | None:
    try:
        return _Value.model_validate_json(text)
    except ValidationError:
        return None
