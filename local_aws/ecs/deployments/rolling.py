"""A rolling deployment, and a steady service: acts on the decisions of `rolling_decision.decide`.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from collections.abc import Callable

from local_aws.ecs.services.fleet import Fleet
from local_aws.ecs.services.revision import TaskSet
from local_aws.ecs.services.rolling_decision import ServiceView, decide
from local_aws.ecs.services.service import Service
from local_aws.ecs.services.service_deployment import ServiceDeployment
from local_aws.ecs.services.stages import alarm_words

BREAKER = "Service deployment rolled back because the circuit breaker threshold was exceeded."


class Rolling:
    """Starts and stops the tasks of a service through the fleet."""

    def __init__(self, fleet: Fleet, alarms: Callable[[list[str]], list[str]]) -> None:
        self._fleet = fleet
        self._alarms = alarms

    def step(self, service: Service, now: float) -> None:
        self._look_at_alarms(service, now)
        views = self._fleet.look(service, now)
        configuration, primary = service.configuration, service.primary
        decision = decide(
            ServiceView(
                desired=service.wanted(primary),
                primary=primary.id,
                tasks=views,
                minimum_percent=int(configuration["minimumHealthyPercent"]),
                maximum_percent=int(configuration["maximumPercent"]),
                failed_tasks=primary.failed_tasks,
                breaker=configuration["deploymentCircuitBreaker"]["enable"]
                and primary.rollout_state == "IN_PROGRESS",
                given_up=primary.rollout_state == "FAILED" and service.status == "ACTIVE",
                may_start=now >= primary.held_until,
            )
        )
        if decision.failed:
            self._fail(service, now)
        self._fleet.act(service, service.primary, decision, now)
        self._settle(service, steady=decision.steady, now=now)

    def stop(self, service: Service, rollout: ServiceDeployment, *, abort: bool, now: float) -> None:
        """StopServiceDeployment: roll back to the last completed deployment, or stop here (ABORT)."""
        if service.stable is None or abort:
            reason = "Service deployment stopped by StopServiceDeployment."
            service.primary.become("FAILED", reason, now)
            rollout.become("STOPPED", now, reason)
            return
        reason = "Service deployment rolled back because a rollback was requested by StopServiceDeployment."
        service.primary.become("FAILED", reason, now)
        self._go_back(service, service.stable, reason, now)

    def _look_at_alarms(self, service: Service, now: float) -> None:
        rollout = service.rollout
        if rollout is None or rollout.status != "IN_PROGRESS" or rollout.moves_traffic:
            return
        triggered = rollout.look_at_alarms(self._alarms)
        if triggered and service.stable is not None:
            reason = f"Service deployment rolled back because {alarm_words(triggered)}"
            service.primary.become("FAILED", reason, now)
            self._go_back(service, service.stable, reason, now)

    def _fail(self, service: Service, now: float) -> None:
        failed = service.primary
        failed.become("FAILED", "ECS deployment circuit breaker: tasks failed to start.", now)
        service.say(f"(deployment {failed.id}) deployment failed: tasks failed to start.", now)
        if service.stable is not None and service.configuration["deploymentCircuitBreaker"]["rollback"]:
            self._go_back(service, service.stable, BREAKER, now)
        elif service.rollout is not None:
            service.rollout.become("STOPPED", now, BREAKER.replace("rolled back", "stopped"))

    @staticmethod
    def _go_back(service: Service, stable: TaskSet, reason: str, now: float) -> None:
        stable.failed_tasks, stable.count = 0, None
        stable.become(
            "IN_PROGRESS", f"ECS deployment circuit breaker: rolling back to deploymentId {stable.id}.", now
        )
        service.deployments = [stable, *(one for one in service.deployments if one is not stable)]
        service.request.update(stable.asked)
        if rollout := service.rollout:
            rollout.become("ROLLBACK_IN_PROGRESS", now, reason)
            revision = stable.revision_arn(service.arn)
            rollout.rollback = {"reason": reason, "startedAt": now, "serviceRevisionArn": revision}
        service.say(f"rolling back to deployment {stable.id}.", now)

    def _settle(self, service: Service, *, steady: bool, now: float) -> None:
        if service.status == "DRAINING":
            if all(task.is_over for task in self._fleet.tasks(service)):
                service.status = "INACTIVE"
            return
        if not steady:
            return
        primary, rollout = service.primary, service.rollout
        if primary.rollout_state == "IN_PROGRESS":
            primary.become("COMPLETED", f"ECS deployment {primary.id} completed.", now)
            service.say(f"(deployment {primary.id}) deployment completed.", now)
            service.stable, service.deployments = primary, [primary]
            if rollout is not None and rollout.is_ongoing:
                rollout.become("ROLLBACK_SUCCESSFUL" if rollout.is_rolling_back else "SUCCESSFUL", now)
        if not service.was_steady:
            service.was_steady = True
            service.say("has reached a steady state.", now)
