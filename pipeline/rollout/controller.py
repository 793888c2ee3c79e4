"""Follows a service deployment while CloudFormation waits for it: looks, judges, acts, keeps the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.checks.monitor import Watch
from pipeline.context import Setting
from pipeline.errors import RolloutFailedError, SlipwayError
from pipeline.graph.template import Template
from pipeline.rollout import decision, gate
from pipeline.rollout.decision import Do, Limits, Seen, Step
from pipeline.rollout.gate import Gate, Verdict
from pipeline.rollout.record import Story


@dataclass(frozen=True)
class Choices:
    """What somebody asked for on the command line. probe: False where another runner may be probing.
    served_before: an earlier version, of which app/smoke.yaml may know nothing. wait_minutes: for another
    deploy to end; None for as long as a stack may take. heard: is given the story of each rollout that was
    followed, once it is over.
    """

    straight: bool = False
    despite_alarms: bool = False
    ledger: Path | None = None
    probe: bool = True
    served_before: bool = False
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
        self._watch: Watch | None = None
        self._closed = False
        self._after: datetime | None = None
        self._deployment: ServiceDeployment | None = None
        self._answered: set[tuple[str, str, str]] = set()
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._since = setting.clock()
        self._first: str | None = None
        self._named = ""
        self._trouble = ""
        self._stopping = False
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
            if self._trouble != (trouble := str(error)):
                self._say(f"(could not follow the rollout: {trouble})")
            self._trouble = trouble

    def close(self) -> None:
        """End the probe, draw its picture, and tell the story; once."""
        if self._closed:
            return
        self._closed = True
        self.story.ended = self._setting.clock()
        if self._watch is not None:
            self.story.ledger_file = self._watch.end()
        if self.story.passages:
            self._choices.heard(self.story)

    def failure(self, error: SlipwayError | None = None) -> RolloutFailedError | None:
        """The rollout as one page, if it was rolled back; error: how the stack ended."""
        return self.story.failure(self._watch.ledger if self._watch is not None else None, error)

    def _look(self, *, stack_rolls_back: bool) -> None:
        found = self._find_gate()
        if found is None:
            return
        now = service_deployment.latest(self._ecs, found.service_arn)
        if now is None or self._is_over(now):
            return
        self._tell(now, found)
        counts = decision.counts_errors(now)
        if now.under_way and not stack_rolls_back and (counts or not now.is_the_first):
            self._begin_to_watch(now, found)
        if self._watch is not None:
            self._watch.at(now.stage, counts=counts)
        errors = self._watch.errors if self._watch is not None else 0
        answering = any(hook.waits_for_an_answer for hook in now.hooks)
        waited = 0.0 if answering else self._setting.clock() - self._since
        seen = Seen(waited, errors, stack_rolls_back, self._choices.straight)
        self._act(now, decision.judge(now, seen, self._limits), found)

    def _act(self, now: ServiceDeployment, step: Step, held: Gate) -> None:
        if step.do is Do.NOTHING_MORE:
            if now.failed:
                self._blame(now, now.why or now.status, at=self.story.reached)
        elif now.rolling_back and now.arn == self._first and now.why and not self.story.why:
            self._blame(now, now.why, tuple(held.evidence(now)), at=self.story.reached)  # its tasks go soon
        elif step.do is Do.ROLL_BACK:
            self._once(now, "stop", lambda: self._roll_back(now, step.why, held))
        elif step.hook is not None:
            hook = step.hook
            self._once(now, hook.hook_id, lambda: self._answer(now, hook, step, held))

    def _answer(self, now: ServiceDeployment, hook: service_deployment.Hook, step: Step, held: Gate) -> None:
        key = (now.arn, hook.hook_id)
        if key not in self._verdicts:
            verdict = self._verdicts[key] = self._judged(now, step, held)
            if not verdict.passed:
                self._blame(now, verdict.why, verdict.lines)
            self._say(f"gate at {now.stage}: {verdict.answer} ({verdict.why or step.why or 'passed'})")
        # An answer that does not get through is given again as it was: the tests are not run twice.
        service_deployment.answer(self._ecs, now, hook, self._verdicts[key].answer)
        self._since = self._setting.clock()

    def _judged(self, now: ServiceDeployment, step: Step, held: Gate) -> Verdict:
        if step.do is Do.MIGRATE:
            self._say("gate: running the database migration from the new task definition")
            return held.migrate(now)
        if step.do is Do.TEST:
            self._say("gate: testing the new version through the test rule")
            return held.test(now)
        return Verdict()

    def _roll_back(self, now: ServiceDeployment, why: str, held: Gate) -> None:
        if self._stopping:  # ECS did not take it
            return service_deployment.roll_back(self._ecs, now)
        self._stopping = True
        self._say(f"rolling back: {why}")
        try:
            service_deployment.roll_back(self._ecs, now)
        finally:
            self._blame(now, why, tuple(held.evidence(now)))  # its tasks are there a little longer

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
            where = at or now.stage or ("the rolling update" if now.rolling else now.status)
            self.story.blame(where, why, lines)

    def _is_over(self, now: ServiceDeployment) -> bool:
        return not now.under_way and self._after is not None and now.created_at <= self._after

    def _tell(self, now: ServiceDeployment, held: Gate) -> None:
        if self._deployment is None or self._deployment.arn != now.arn:
            self._since = self._setting.clock()
            target = service_deployment.revision(self._ecs, now.target)
            named = held.version_of(target) or ""
            self._say(f"rollout {now.id} of version {named or target.image}")
            if self._first is None:
                self._first, self._named = now.arn, named
                self.story.version, self.story.image = named or target.image, target.image
                self.story.nothing_before = now.is_the_first
        if now.arn == self._first and now.status == "SUCCESSFUL":  # another one puts the former version back
            self.story.released = True
        last = self._deployment
        if last is None or (last.arn, last.status, last.stage) != (now.arn, now.status, now.stage):
            self._say(f"rollout: {self.story.passed(now, self._setting.clock())}")
        elif last.production_weight != now.production_weight:
            self._say(f"rollout: {now.production_weight:g} % of production goes to the new version")
        self._deployment = now

    def _begin_to_watch(self, now: ServiceDeployment, held: Gate) -> None:
        if self._watch is not None or not held.url or not self._choices.probe:
            return
        # Named by the deployment, so that a runner that takes another one's place carries its ledger on.
        name = f"ledger-{self._setting.environment.name}-{self.story.version}-{now.id[:8]}"
        self._watch = Watch(self._setting, held.url, self._named, self._choices.ledger, name, self._say)

    def _find_gate(self) -> Gate | None:
        if self._gate is None:
            self._gate = gate.find(
                self._setting,
                self._stack,
                self._template,
                self._parameters,
                self._say,
                served_before=self._choices.served_before,
            )
        return self._gate
