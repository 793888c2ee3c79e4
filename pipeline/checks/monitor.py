"""Watches production during a rollout: the probe, its ledger, and what speaks against the new version."""

from collections.abc import Callable
from pathlib import Path

import requests

from pipeline.checks import ledger, suite, svg
from pipeline.checks.ledger import Ledger
from pipeline.checks.probe import Probe
from pipeline.context import Context


class ProbeMonitor:
    """Monitors one rollout. url: of the load balancer. version: the new version's X-Service-Version, "" where
    unknown. file: the ledger; None for .slipway/<name>.jsonl.
    """

    def __init__(
        self,
        context: Context,
        url: str,
        version: str,
        file: Path | None,
        name: str,
        log: Callable[[str], None],
    ) -> None:
        self._context, self._version, self._log = context, version, log
        self._rules = context.environment.rollout
        self.ledger: Ledger = ledger.opened(file, context.project.root / ".slipway", name, log)
        http = requests.Session()
        http.headers["User-Agent"] = "slipway-probe"
        path = suite.probe_path(context)
        self.probe = Probe(http, url + path, self.ledger, self._rules.probes_per_second)

    def at(self, stage: str, *, counts: bool) -> None:
        """The rollout is at `stage` now. counts: whether a failure may speak against the new version."""
        self.probe.stage, self.probe.counts = stage, counts
        self.probe.start()

    @property
    def errors(self) -> int:
        """Failed requests of the last failed_probes_within_seconds that speak against the new version."""
        within, limit = self._rules.failed_probes_within_seconds, self._rules.failed_probes
        return self.ledger.errors(self._version, within, limit)

    def end(self) -> Path | None:
        """Stop the probe and draw the picture. Gives the ledger's file, None where there is none."""
        self.probe.stop()
        if not self.ledger.entries:
            return None
        title = f"{self._context.project.service} in {self._context.environment.name}"
        svg.keep(self.ledger, title, self._log)
        return self.ledger.file
