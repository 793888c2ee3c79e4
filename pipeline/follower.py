"""Follows a service deployment while CloudFormation waits for it: looks, judges, acts, keeps the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from pipeline import ledger, ledger_picture, rollout, service_deployment, smoke_suite, stack_resources
from pipeline.errors import RolloutFailedError, SlipwayError
from pipeline.gate import Gate, Verdict
from pipeline.probe import Probe
from pipeline.rollout import Do, Limits, Seen, Step
from pipeline.rollout_story import Story
from pipeline.service_deployment import ServiceDeployment
from pipeline.setting import Setting
from pipeline.template import Template


@dataclass(frozen=True)
class Choices:
    """What somebody asked for on the command line. probe: False where another runner may be probing.
    wait_minutes: for another deploy to end; None for as long as a stack may take. heard: is given the story
    of each rollout that was followed, once it is over.
    """

    straight: bool = False
    despite_alarms: bool = False
    ledger: Path | None = None
    probe: bool = True
    wait_minutes: float | None = None
    heard: Callable[[Story], None] = lambda _: None


class Follower:
    """One stack's rollout. `look` is to be called again and again; it never raises what AWS answers."""

    def __init__(
        self,
        setting: Setting,
        stack_name: str,
        template: Template,
        parameters: Mapping[str, str],
        say: Callable[[str], None],
        choices: Choices,
    ) -> None:
        self._setting, self._stack, self._template = setting, stack_name, template
        self._parameters, self._say, self._choices = parameters, say, choices
        self._ecs: Any = setting.aws.client("ecs")
        rules = setting.environment.rollout
        self._limits = Limits(rules.healthy_within_minutes * 60, rules.failed_probes)
        self._gate: Gate | None = None
        self._probe: Probe | None = None
        self._closed = False
        self._after: datetime | None = None
        self._deployment: ServiceDeployment | None = None
        self._answered: set[tuple[str, str, str]] = set()
        self._since = setting.clock()
        self._first: str | None = None
        self.story = Story()

    def begin(self, service_arn: str) -> None:
        """What ended before now is not ours to follow."""
        found = service_deployment.latest(self._ecs, service_arn) if service_arn else None
        if found is not None and not found.under_way:
            self._after = found.created_at

    def join(self, began: datetime) -> None:
        """What ended before an update that is under way began is not ours to follow. began: AWS's time."""
        self._after = began

    def look(self, *, stack_rolls_back: bool = False) -> None:
        """One look at the deployment, and the one step that it asks for."""
        try:
            self._look(stack_rolls_back=stack_rolls_back)
        except (ClientError, BotoCoreError, SlipwayError) as error:
            self._say(f"(could not look at the rollout: {error})")

    def close(self) -> None:
        """End the probe, draw its picture, and tell the story; once."""
        if self._closed:
            return
        self._closed = True
        self.story.ended = self._setting.clock()
        if self._probe is not None:
            self._end(self._probe)
        if self.story.passages:
            self._choices.heard(self.story)

    def _end(self, probe: Probe) -> None:
        probe.stop()
        if probe.ledger.entries:
            self.story.ledger_file = probe.ledger.file
            title = f"{self._setting.project.service} in {self._setting.environment.name}"
            ledger_picture.keep(probe.ledger, title, self._say)

    def failure(self, error: SlipwayError | None = None) -> RolloutFailedError | None:
        """The rollout as one page, if it was rolled back; error: how the stack ended."""
        return self.story.failure(self._probe.ledger if self._probe is not None else None, error)

    def _look(self, *, stack_rolls_back: bool) -> None:
        gate = self._find_gate()
        if gate is None:
            return
        now = service_deployment.latest(self._ecs, gate.service_arn)
        if now is None or self._is_over(now):
            return
        self._tell(now, gate)
        counts = rollout.counts_errors(now)
        if now.under_way and not stack_rolls_back and (counts or not now.is_the_first):
            self._make_probe(now, gate)
        if self._probe is not None:
            self._probe.stage, self._probe.counts = now.stage, counts
            self._probe.start()
        errors = self._probe.ledger.errors if self._probe is not None else 0
        answering = any(hook.waits_for_an_answer for hook in now.hooks)
        waited = 0.0 if answering else self._setting.clock() - self._since
        seen = Seen(waited, errors, stack_rolls_back, self._choices.straight)
        self._act(now, rollout.judge(now, seen, self._limits), gate)

    def _act(self, now: ServiceDeployment, step: Step, gate: Gate) -> None:
        if step.do is Do.NOTHING_MORE:
            if now.failed:
                self._blame(now, now.why or now.status, at=self.story.reached)
        elif now.rolling_back and now.arn == self._first and now.why and not self.story.why:
            self._blame(now, now.why, tuple(gate.evidence(now)), at=self.story.reached)  # its tasks go soon
        elif step.do is Do.ROLL_BACK:
            self._once(now, "stop", lambda: self._roll_back(now, step.why, gate))
        elif step.hook is not None:
            hook = step.hook
            self._once(now, hook.hook_id, lambda: self._answer(now, hook, step, gate))

    def _answer(self, now: ServiceDeployment, hook: service_deployment.Hook, step: Step, gate: Gate) -> None:
        verdict = Verdict()
        if step.do is Do.MIGRATE:
            self._say("gate: running the database migration from the new task definition")
            verdict = gate.migrate(now)
        elif step.do is Do.TEST:
            self._say("gate: testing the new version through the test rule")
            verdict = gate.test(now)
        action = "CONTINUE" if verdict.passed else "ROLLBACK"
        if not verdict.passed:
            self._blame(now, verdict.why, verdict.lines)
        reason = verdict.why or step.why or "passed"
        self._say(f"gate at {now.stage}: {action} ({reason})")
        service_deployment.answer(self._ecs, now, hook, action)
        self._since = self._setting.clock()

    def _roll_back(self, now: ServiceDeployment, why: str, gate: Gate) -> None:
        self._say(f"rolling back: {why}")
        service_deployment.roll_back(self._ecs, now)
        self._blame(now, why, tuple(gate.evidence(now)))  # its tasks are there a little longer

    def _once(self, now: ServiceDeployment, what: str, step: Callable[[], None]) -> None:
        key = (now.arn, now.stage, what)
        if key not in self._answered:
            self._answered.add(key)
            try:
                step()
            except (ClientError, BotoCoreError):
                self._answered.discard(key)  # the next look tries again
                raise

    def _blame(
        self, now: ServiceDeployment, why: str, lines: tuple[str, ...] = (), at: str | None = None
    ) -> None:
        if now.arn == self._first:  # another one puts the former version back
            self.story.blame(at or now.stage or now.status, why, lines)

    def _is_over(self, now: ServiceDeployment) -> bool:
        return not now.under_way and self._after is not None and now.created_at <= self._after

    def _tell(self, now: ServiceDeployment, gate: Gate) -> None:
        if self._deployment is None or self._deployment.arn != now.arn:
            self._since = self._setting.clock()
            target = service_deployment.revision(self._ecs, now.target)
            version = gate.version_of(target) or target.image
            self._say(f"rollout {now.id} of version {version}")
            if self._first is None:
                self._first = now.arn
                self.story.version, self.story.image = version, target.image
                self.story.nothing_before = now.is_the_first
        last = self._deployment
        if last is None or (last.arn, last.status, last.stage) != (now.arn, now.status, now.stage):
            self._say(f"rollout: {self.story.passed(now, self._setting.clock())}")
        elif last.production_weight != now.production_weight:
            self._say(f"rollout: {now.production_weight:g} % of production goes to the new version")
        self._deployment = now

    def _make_probe(self, now: ServiceDeployment, gate: Gate) -> None:
        if self._probe is not None or not gate.url or not self._choices.probe:
            return
        # Named by the deployment, so that a runner that takes another one's place carries its ledger on.
        name = f"ledger-{self._setting.environment.name}-{self.story.version}-{now.id[:8]}"
        kept = ledger.opened(self._choices.ledger, self._setting.project.root / ".slipway", name, self._say)
        http = requests.Session()
        http.headers["User-Agent"] = "slipway-probe"
        url = gate.url + smoke_suite.probe_path(self._setting)
        self._probe = Probe(http, url, kept, self._setting.environment.rollout.probes_per_second)

    def _find_gate(self) -> Gate | None:
        if self._gate is None:
            cloudformation = self._setting.aws.client("cloudformation")
            there = stack_resources.read(cloudformation, self._stack)
            if not there.service_arn:
                return None
            balancers = there.of_type(stack_resources.LOAD_BALANCER)
            url = ""
            if balancers:
                elbv2 = self._setting.aws.client("elbv2")
                found = elbv2.describe_load_balancers(LoadBalancerArns=balancers[:1])["LoadBalancers"]
                url = f"http://{found[0]['DNSName']}"
            self._gate = Gate(
                self._setting,
                self._template,
                self._parameters,
                there.physical,
                there.service_arn,
                url,
                self._say,
            )
        return self._gate
