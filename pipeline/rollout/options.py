"""What somebody asked of a rollout on the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.rollout.record import RolloutRecord


@dataclass(frozen=True)
class RolloutOptions:
    """What somebody asked for on the command line. probe: False where another runner may be probing.
    served_before: an earlier version, of which app/smoke.yaml may know nothing. wait_minutes: for another
    deploy to end; None for as long as a stack may take. on_finished: is given the record of each rollout
    that was followed, once it is over. replaces: what holds data and is meant to be replaced or removed,
    each as `rds-database/Database`. commit: of app/, where the checkout does not say it; "" for that.
    forward_only: release nothing that is older than what was released last.
    """

    straight: bool = False
    despite_alarms: bool = False
    ledger: Path | None = None
    probe: bool = True
    served_before: bool = False
    wait_minutes: float | None = None
    replaces: frozenset[str] = frozenset()
    commit: str = ""
    forward_only: bool = False
    on_finished: Callable[[RolloutRecord], None] = lambda _: None
