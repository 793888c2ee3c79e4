"""What came of a run of a workflow: read from what act prints and from what the stand-ins wrote down."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Run:
    """What one run of one workflow printed and did."""

    exit_code: int
    raw: str
    state: Path

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """What act said of a job, and its steps themselves."""
        found = (json.loads(line) for line in self.raw.splitlines() if line.startswith("{"))
        return [line for line in found if "job" in line]

    @cached_property
    def results(self) -> dict[str, str]:
        """A job's full name (caller/called) -> success or failure, in the order they ended."""
        return {line["job"].strip(): line["jobResult"] for line in self.lines if "jobResult" in line}

    @property
    def said(self) -> str:
        """What the steps printed, without colours, as GitHub's log shows it: with the masks in place."""
        return ANSI.sub("", "".join(line["msg"] for line in self.lines if line.get("raw_output")))

    def said_in(self, job: str) -> str:
        ours = (line for line in self.lines if line.get("raw_output") and job in line["job"])
        return ANSI.sub("", "".join(line["msg"] for line in ours))

    def summary(self, job: str) -> str:
        """What GitHub would show on the run's page for the job: its steps' summaries, one after the other."""
        return "\n".join(
            line["content"]
            for line in self.lines
            if line.get("command") == "summary" and job in line["job"] and len(line["stepID"]) == 1
        )

    @property
    def masks(self) -> list[str]:
        """What a step told GitHub to show as ***."""
        return [line["arg"] for line in self.lines if line.get("command") == "add-mask"]

    @property
    def shown(self) -> str:
        """All that anybody gets to see: log, summaries, annotations, outputs; not a mask, not a variable."""
        unseen = ("add-mask", "set-env")
        return "\n".join(json.dumps(line) for line in self.lines if line.get("command") not in unseen)

    @property
    def annotations(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("command") in ("error", "warning", "notice")]

    def outputs(self, job: str) -> dict[str, str]:
        """Every output that a step of the job set."""
        return {
            line["name"]: line["arg"]
            for line in self.lines
            if line.get("command") == "set-output" and job in line["job"]
        }

    def asked(self, action: str, job: str = "") -> list[dict[str, Any]]:
        """What the stand-in was asked for, in order."""
        file = self.state / "records.jsonl"
        records = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [each for each in records if each["action"] == action and job in (each["job"], "")]
