"""A service deployment that moves traffic, stage by stage: acts on the decisions of `stages.judge`.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""

from collections.abc import Callable, Mapping

from local_aws.ecs.deployments.traffic_shift import Traffic, TrafficShift
from local_aws.ecs.services import stages
from local_aws.ecs.services.fleet import Fleet
from local_aws.ecs.services.pause_hooks import expire, opened
from local_aws.ecs.services.rolling_decision import Decision
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.services.stages import Move, View, judge

SUPERSEDED = "Service deployment stopped because a newer one began."
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
INTERRUPTED = "Service deployment rolled back because the local AWS ended in the middle of it."


class BlueGreen:
    """Leads the service deployments with strategy BLUE_GREEN, CANARY or LINEAR.

    alarms(names) gives those that are in ALARM now; minute_seconds is the length of one of AWS's minutes;
    held(stage) says whether a test keeps deployments in that stage.
    """

    def __init__(
        self,
        fleet: Fleet,
        traffic: Traffic,
        alarms: Callable[[list[str]], list[str]],
        minute_seconds: float,
        held: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._fleet = fleet
        self._shift = TrafficShift(traffic)
        self._alarms = alarms
        self._minute = minute_seconds
        self._held = held

    def leads(self, service: Service) -> bool:
        """Whether several revisions of the service run on purpose: then no rolling step may act on it."""
        rollout = service.rollout
        return (
            service.status == "ACTIVE"
            and rollout is not None
            and rollout.moves_traffic
            and (rollout.is_ongoing or (rollout.status == "STOPPED" and len(service.deployments) > 1))
        )

    def begin(self, service: Service, rollout: ServiceDeployment, now: float) -> None:
        """Start a deployment. One under way is stopped first, and its new revision's tasks are removed."""
        before = service.rollout
        if before is not None and before.is_ongoing:
            if before.moves_traffic and before.step.stage == "CLEAN_UP" and not before.is_rolling_back:
                self._succeed(service, before, now)
            else:
                before.become("STOPPED", now, SUPERSEDED)
                before.new.become("FAILED", SUPERSEDED, now)
        rollout.old = service.stable
        rollout.superseded = [one for one in service.deployments if one is not service.stable]
        rollout.new.settings = self._shift.resolved(rollout)
        rollout.new.count = 0
        rollout.steps = stages.steps_of(rollout.configuration, reconcile=bool(rollout.superseded))
        rollout.watch(self._alarms)
        rollout.become("IN_PROGRESS", now)
        self._enter(service, rollout, 0, now)

    def resume(self, service: Service, now: float) -> None:
        """Roll back after a restart of the server: CloudFormation no longer waits for the deployment."""
        rollout = service.rollout
        if rollout is None or not rollout.is_ongoing:
            return
        if rollout.moves_traffic:
            rollout.new.count = 0
            self._roll_back(service, rollout, INTERRUPTED, now)
        elif rollout.old is None:
            rollout.become("STOPPED", now, INTERRUPTED)

    def step(self, service: Service, now: float) -> None:
        """Keep every revision's tasks running, and enter the next stage when it is time."""
        views = self._fleet.look(service, now)
        decisions = {one.id: self._fleet.keep(service, one, views, now) for one in list(service.deployments)}
        rollout = service.rollout
        if rollout is None or not rollout.is_ongoing:
            return
        expire(rollout.stage_hooks, now)
        verdict = judge(self._view(service, rollout, decisions, now))
        if verdict.move is Move.ROLL_BACK:
            self._roll_back(service, rollout, verdict.reason, now)
        elif verdict.move is Move.NEXT and not rollout.is_rolling_back and self._held(rollout.step.stage):
            return
        elif verdict.move is Move.NEXT and rollout.at + 1 < len(rollout.steps):
            self._enter(service, rollout, rollout.at + 1, now)
        elif verdict.move is Move.NEXT and rollout.is_rolling_back:
            self._rolled_back(service, rollout, now)
        elif verdict.move is Move.NEXT:
            self._succeed(service, rollout, now)

    def times(self, service: Service) -> list[float]:
        """The times at which the deployment moves on by itself, in seconds since 1970."""
        rollout = service.rollout
        if rollout is None or not rollout.is_ongoing or not rollout.steps:
            return []
        hooks = [hook.expires_at for hook in rollout.stage_hooks if hook.status == "AWAITING_ACTION"]
        return [rollout.entered_at + rollout.step.minutes * self._minute, *hooks]

    def abort(self, service: Service, rollout: ServiceDeployment, now: float) -> None:
        """Stop the deployment. Traffic and tasks stay as they are until the next deployment."""
        rollout.become("STOPPED", now, "Service deployment stopped by StopServiceDeployment.")
        rollout.new.become("FAILED", rollout.reason, now)
        service.say(f"(deployment {rollout.new.id}) deployment stopped.", now)

    def _view(
        self, service: Service, rollout: ServiceDeployment, decisions: Mapping[str, Decision], now: float
    ) -> View:
        if rollout.step.stage in stages.WATCHED:
            rollout.look_at_alarms(self._alarms)
        problem = ""
        if rollout.at == 0 and not rollout.is_rolling_back:
            problem = self._shift.problem(rollout)
        return View(
            step=rollout.step,
            minutes=(now - rollout.entered_at) / self._minute,
            ready=self._is_ready(service, rollout, decisions),
            hooks=rollout.stage_hooks,
            alarms=rollout.triggered,
            problem=problem,
            stop=rollout.stop_requested,
            rolling_back=rollout.is_rolling_back,
        )

    def _is_ready(
        self, service: Service, rollout: ServiceDeployment, decisions: Mapping[str, Decision]
    ) -> bool:
        if rollout.step.stage == "SCALE_UP":
            rising = rollout.old if rollout.is_rolling_back else rollout.new
            return rising is not None and decisions[rising.id].steady
        if rollout.step.stage in ("RECONCILE_SERVICE", "CLEAN_UP"):
            falling = {one.id for one in service.deployments if one.count == 0}
            live = [task for task in self._fleet.tasks(service) if not task.is_over]
            return not any(task.started_by in falling for task in live)
        return True

    def _enter(self, service: Service, rollout: ServiceDeployment, at: int, now: float) -> None:
        rollout.enter(at, now)
        stage, percent = rollout.step.stage, rollout.step.percent
        if stage == "RECONCILE_SERVICE":
            self._shift.production(rollout, 0.0)
            self._shift.test(rollout, 0.0)
            for one in rollout.superseded:
                one.count = 0
        elif stage == "SCALE_UP":
            rising = rollout.old if rollout.is_rolling_back else rollout.new
            if rising is not None:
                rising.count, rising.held_until = None, 0.0
        elif stage == "TEST_TRAFFIC_SHIFT":
            self._shift.test(rollout, 100.0)
        elif percent is not None:
            self._shift.production(rollout, percent)
            if rollout.is_rolling_back:
                self._shift.test(rollout, 0.0)
        elif stage == "CLEAN_UP":
            for one in service.deployments:
                one.count = 0 if one is not rollout.old or not rollout.is_rolling_back else None
            if not rollout.is_rolling_back:
                rollout.new.count = None
        if not rollout.is_rolling_back:
            rollout.hooks += opened(rollout.configuration, stage, now, self._minute)

    def _roll_back(self, service: Service, rollout: ServiceDeployment, reason: str, now: float) -> None:
        old = rollout.old
        rollout.steps = stages.rollback_steps(
            old_is_gone=old is not None and old.count == 0, old_exists=old is not None
        )
        rollout.become("ROLLBACK_IN_PROGRESS", now, reason)
        rollout.rollback = {"reason": reason, "startedAt": now}
        if old is not None:
            rollout.rollback["serviceRevisionArn"] = old.revision_arn(service.arn)
            service.say(f"rolling back to deployment {old.id}.", now)
        self._enter(service, rollout, 0, now)

    def _rolled_back(self, service: Service, rollout: ServiceDeployment, now: float) -> None:
        old = rollout.old
        rollout.new.become("FAILED", rollout.reason, now)
        service.say(f"(deployment {rollout.new.id}) deployment failed: {rollout.reason}", now)
        if old is None:
            service.deployments = [rollout.new]
            rollout.become("ROLLBACK_FAILED", now, f"{rollout.reason} {NO_CANDIDATE}")
            return
        old.count = None
        service.deployments = [old]
        service.request = {**service.request, **old.asked}
        rollout.become("ROLLBACK_SUCCESSFUL", now)

    def _succeed(self, service: Service, rollout: ServiceDeployment, now: float) -> None:
        new = rollout.new
        new.count = None
        new.become("COMPLETED", f"ECS deployment {new.id} completed.", now)
        service.say(f"(deployment {new.id}) deployment completed.", now)
        service.stable, service.deployments = new, [new]
        rollout.become("SUCCESSFUL", now)
