"""Follows a service deployment while CloudFormation waits for it: looks, judges, acts, keeps the ledger."""

from collections.abc import Callable
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ServiceDeployment
from pipeline.checks.monitor import ProbeMonitor
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import RolloutFailedError, SlipwayError
from pipeline.rollout import decision, gate
from pipeline.rollout.decision import Do, Limits, Seen, Step
from pipeline.rollout.gate import Gate, Verdict
from pipeline.rollout.options import RolloutOptions
from pipeline.rollout.record import RolloutRecord


class RolloutController:
    """One stack's rollout. `reconcile` is to be called again and again; it never raises what AWS answers."""

    def __init__(self, context: Context, spec: StackSpec, log: Log, options: RolloutOptions) -> None:
        self._context, self._spec, self._log, self._options = context, spec, log, options
        self._ecs = context.aws.client("ecs")
        rules = context.environment.rollout
        self._limits = Limits(rules.healthy_within_minutes * 60, rules.failed_probes)
        self._gate: Gate | None = None
        self._monitor: ProbeMonitor | None = None
        self._closed = False
        self._after: datetime | None = None
        self._deployment: ServiceDeployment | None = None
        self._answered: set[tuple[str, str, str]] = set()
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._since = context.clock()
        self._first: str | None = None
        self._named = ""
        self._trouble = ""
        self._stopping = False
        self.record = RolloutRecord()

    def begin(self, service_arn: str) -> None:
        """Follow no rollout that ended before now."""
        found = service_deployment.latest(self._ecs, service_arn) if service_arn else None
        if found is not None and not found.under_way:
            self._after = found.created_at

    def join(self, began: datetime) -> None:
        """Follow no rollout that ended before the update under way began. began: AWS's time."""
        self._after = began

    def reconcile(self, *, stack_rolls_back: bool = False) -> None:
        """One look at the deployment, and the one step that it asks for."""
        try:
            self._look(stack_rolls_back=stack_rolls_back)
        except (ClientError, BotoCoreError, SlipwayError) as error:
            if self._trouble != (trouble := str(error)):
                self._log(f"(could not follow the rollout: {trouble})")
            self._trouble = trouble

    def close(self) -> None:
        """End the probe, draw its picture, and tell the story; once."""
        if self._closed:
            return
        self._closed = True
        self.record.ended = self._context.clock()
        if self._monitor is not None:
            self.record.ledger_file = self._monitor.end()
        if self.record.entries:
            self._options.on_finished(self.record)

    def failure(self, error: SlipwayError | None = None) -> RolloutFailedError | None:
        """The rollout as one page, if it was rolled back; error: how the stack ended."""
        return self.record.failure(self._monitor.ledger if self._monitor is not None else None, error)

    def _look(self, *, stack_rolls_back: bool) -> None:
        found = self._find_gate()
        if found is None:
            return
        now = service_deployment.latest(self._ecs, found.service_arn, after=self._after)
        if now is None or self._is_over(now):
            return
        self._tell(now, found)
        counts = decision.counts_errors(now)
        if now.under_way and not stack_rolls_back and (counts or not now.is_the_first):
            self._begin_to_watch(now, found)
        if self._monitor is not None:
            self._monitor.at(now.stage, counts=counts)
        errors = self._monitor.errors if self._monitor is not None else 0
        answering = any(hook.waits_for_an_answer for hook in now.hooks)
        waited = 0.0 if answering else self._context.clock() - self._since
        seen = Seen(waited, errors, stack_rolls_back, self._options.straight)
        self._act(now, decision.judge(now, seen, self._limits), found)

    def _act(self, now: ServiceDeployment, step: Step, held: Gate) -> None:
        if step.do is Do.NOTHING_MORE:
            if now.failed and not self.record.why:
                evidence = held.diagnostics(now)  # ECS shows stopped tasks for an hour
                why = evidence.before(now.why or now.status)
                self._blame(now, why, evidence.lines, at=self.record.reached)
        elif now.rolling_back and now.arn == self._first and now.why and not self.record.why:
            evidence = held.diagnostics(now)  # its tasks go soon
            self._blame(now, evidence.before(now.why), evidence.lines, at=self.record.reached)
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
            self._log(f"gate at {now.stage}: {verdict.answer} ({verdict.why or step.why or 'passed'})")
        # An answer that does not get through is given again as it was: the tests are not run twice.
        service_deployment.answer(self._ecs, now, hook, self._verdicts[key].answer)
        self._since = self._context.clock()

    def _judged(self, now: ServiceDeployment, step: Step, held: Gate) -> Verdict:
        if step.do is Do.MIGRATE:
            self._log("gate: running the database migration from the new task definition")
            return held.migrate(now)
        if step.do is Do.TEST:
            self._log("gate: testing the new version through the test rule")
            return held.test(now)
        return Verdict()

    def _roll_back(self, now: ServiceDeployment, why: str, held: Gate) -> None:
        if self._stopping:  # ECS did not take it
            return service_deployment.roll_back(self._ecs, now)
        self._stopping = True
        self._log(f"rolling back: {why}")
        try:
            service_deployment.roll_back(self._ecs, now)
        finally:
            evidence = held.diagnostics(now)  # its tasks are there a little longer
            self._blame(now, evidence.before(why), evidence.lines)

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
            self.record.blame(where, why, lines)

    def _is_over(self, now: ServiceDeployment) -> bool:
        return not now.under_way and self._after is not None and now.created_at <= self._after

    def _tell(self, now: ServiceDeployment, held: Gate) -> None:
        if self._deployment is None or self._deployment.arn != now.arn:
            self._since = self._context.clock()
            target = service_deployment.revision(self._ecs, now.target)
            named = held.version_of(target) or ""
            self._log(f"rollout {now.id} of version {named or target.image}")
            if self._first is None:
                self._first, self._named = now.arn, named
                self.record.version, self.record.image = named or target.image, target.image
                self.record.nothing_before = now.is_the_first
        if now.arn == self._first and now.status == "SUCCESSFUL":  # another one puts the former version back
            self.record.released = True
        last = self._deployment
        if last is None or (last.arn, last.status, last.stage) != (now.arn, now.status, now.stage):
            self._log(f"rollout: {self.record.passed(now, self._context.clock())}")
        elif last.production_weight != now.production_weight:
            self._log(f"rollout: {now.production_weight:g} % of production goes to the new version")
        self._deployment = now

    def _begin_to_watch(self, now: ServiceDeployment, held: Gate) -> None:
        if self._monitor is not None or not held.url or not self._options.probe:
            return
        # Named by the deployment, so that a runner that takes another one's place carries its ledger on.
        name = f"ledger-{self._context.environment.name}-{self.record.version}-{now.id[:8]}"
        self._monitor = ProbeMonitor(
            self._context, held.url, self._named, self._options.ledger, name, self._log
        )

    def _find_gate(self) -> Gate | None:
        if self._gate is None:
            served_before = self._options.served_before
            self._gate = gate.find(self._context, self._spec, self._log, served_before=served_before)
        return self._gate
