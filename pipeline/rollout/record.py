"""The record of a rollout: the stages that it went through, and the first cause if it failed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.aws.service_deployment import ENDED, ServiceDeployment
from pipeline.checks import ledger
from pipeline.errors import RolloutFailedError, SlipwayError

_AGAIN = "mend the cause and deploy again"
_HALF_WAY = {"STOPPED": "was stopped", "ROLLBACK_FAILED": "could not be rolled back"}
"""The statuses of a deployment that ended without bringing the version before back."""


@dataclass(frozen=True)
class StageEntry:
    """A stage that the rollout came to. at: seconds on the controller's clock."""

    stage: str
    status: str
    at: float

    @property
    def under_way(self) -> bool:
        """The deployment had not ended yet."""
        return self.status not in ENDED


@dataclass
class RolloutRecord:
    """One rollout. nothing_before: no version served before. reached: the last stage before the rollout ended
    or turned back. stage, why, lines: of the first cause against the new version; "" while there is none.
    released: the rollout ended well. ended: seconds on the controller's clock. ledger_file: of the probe, if
    the probe sent requests.
    """

    version: str | None = None
    image: str = ""
    nothing_before: bool = False
    stages: list[str] = field(default_factory=list)
    reached: str = ""
    stage: str = ""
    why: str = ""
    lines: list[str] = field(default_factory=list)
    entries: list[StageEntry] = field(default_factory=list)
    ended: float = 0.0
    ledger_file: Path | None = None
    released: bool = False
    _told: str = ""

    def timed(self) -> list[tuple[StageEntry, float]]:
        """Each entry, with the time at which the next entry begins."""
        ends = [*(entry.at for entry in self.entries[1:]), self.ended]
        return list(zip(self.entries, ends, strict=True))

    def passed(self, now: ServiceDeployment, at: float) -> str:
        """Add the deployment's stage, and give it in words. at: seconds on the controller's clock."""
        self.entries.append(StageEntry(now.stage or "-", now.status, at))
        if now.status == "IN_PROGRESS":
            self.reached = now.stage
        words = f"{now.stage or '-'} {now.status}"
        if now.stage == "SCALE_UP":
            words += f", {now.running} of {now.requested} tasks run"
        if now.stage == "PRODUCTION_TRAFFIC_SHIFT" and now.production_weight:
            words += f", {now.production_weight:g} % of production to the new version"
        if now.why and now.status != "IN_PROGRESS" and now.why != self._told:
            self._told = now.why
            words += f": {now.why}"
        self.stages.append(words)
        return words

    def blame(self, stage: str, why: str, lines: Sequence[str] = ()) -> None:
        """Keep the first cause. Later failures follow from the first cause, and are not kept."""
        if not self.why:
            self.stage, self.why, self.lines = stage, why, list(lines)

    def failure(
        self, kept: ledger.Ledger | None, stack_failure: SlipwayError | None
    ) -> RolloutFailedError | None:
        """The error, from stage and reason down to the last log lines. None where nothing spoke against the
        new version, or where the new version serves all the same.
        """
        if not self.why or self.released:
            return None
        details = [f"rollout: {line}" for line in self.stages]
        if kept is not None:
            details += ledger.first_errors(kept.entries)
            details.append(f"production probe: {ledger.summary(kept.entries)} ({kept.file or 'not kept'})")
        ended, serves = "was rolled back", "what served before serves now"
        next_step = stack_failure.next_step if stack_failure and stack_failure.next_step else _AGAIN
        if self.nothing_before:
            serves = "nothing serves yet"
        elif self.entries and self.entries[-1].status in _HALF_WAY:
            ended, serves = _HALF_WAY[self.entries[-1].status], "`status` tells what serves now"
        elif next_step != _AGAIN:  # the stack is stuck
            serves = "`status` tells what serves now"
        version = f"version {self.version}" if self.version else "the new version"
        return RolloutFailedError(
            f"{version} {ended} in {self.stage}",
            why=self.why,
            next_step=f"{next_step}; {serves}",
            details=[*details, *(stack_failure.details if stack_failure else ()), *self.lines],
            where=stack_failure.where if stack_failure else "",
            also=stack_failure.also if stack_failure else (),
        )
