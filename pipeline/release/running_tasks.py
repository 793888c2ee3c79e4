"""Whether the service runs the tasks that its stack asks for: asked where a deploy has nothing to change.

CloudFormation compares a template with the template before, and not with what runs. So what was changed past
CloudFormation stays changed until somebody looks.
"""

from dataclasses import dataclass

from pipeline.aws import running_service, stopped_tasks
from pipeline.aws.running_service import RunningService
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import StackStuckError, WaitTimeoutError

COUNT = "TaskCount"
"""The parameter that says how many tasks the service has."""
SCALER = "AWS::ApplicationAutoScaling::ScalableTarget"


@dataclass(frozen=True)
class RunningTasks:
    """The tasks of the ECS service of one stack."""

    context: Context
    spec: StackSpec
    service_arn: str
    log: Log

    def service(self) -> RunningService:
        """The service as it is. Raises StackStuckError where somebody deleted the service."""
        found = running_service.describe(self.context.aws.client("ecs"), self.service_arn)
        if found is None:
            raise StackStuckError(
                f"the ECS service of {self.spec.name} is gone",
                why="somebody deleted the service past CloudFormation, which does not make the service again",
                next_step="delete the stack, then deploy again (the load balancer gets another address): "
                f"aws cloudformation delete-stack --stack-name {self.spec.name}",
            )
        return found

    def set_count(self, service: RunningService) -> bool:
        """Set the count that the stack asks for, where ECS was told of a smaller one; whether it was so.

        More tasks than the stack asks for stay, for somebody may have needed them. Raises StackStuckError for
        a count that nothing tells.
        """
        wanted = self._wanted(service)
        if service.desired > wanted:
            self.log(
                f"{service.told}; {self.spec.name} asks for {wanted}, and the next release sets that count"
            )
        if service.desired >= wanted:
            return False
        self.log(
            f"{service.told}: the count was changed past CloudFormation; setting it to {wanted}, "
            f"as {self.spec.name} asks"
        )
        running_service.set_count(self.context.aws.client("ecs"), self.service_arn, wanted)
        return True

    def wait(self, service: RunningService) -> None:
        """Wait until as many tasks run as should. Raises WaitTimeoutError with the reasons of ECS."""
        if service.running >= service.desired > 0:
            return
        self.log(f"{service.told}: waiting for the others")
        client, latest = self.context.aws.client, service
        watcher = stopped_tasks.StoppedTaskWatcher(
            client("ecs"),
            client("logs"),
            cluster=stopped_tasks.names(self.service_arn)[0],
            stack_name=self.spec.name,
            since=service.seen_at,
            log=self.log,
        )

        def enough() -> bool | None:
            nonlocal latest
            latest = self.service()
            if latest.running >= latest.desired > 0:
                return True
            watcher.look()
            return None

        minutes = self.context.environment.rollout.healthy_within_minutes
        try:
            self.context.wait(enough, what=f"the tasks of {self.spec.name}", timeout=minutes * 60)
        except WaitTimeoutError as error:
            raise WaitTimeoutError(
                error.what,
                why=latest.told,
                next_step="mend the cause, and run the same command again",
                details=watcher.diagnostics(self.service_arn),
            ) from None

    def _wanted(self, service: RunningService) -> int:
        template, given = self.spec.template, self.spec.parameters.get(COUNT, "")
        if given.isdecimal() and not template.has(SCALER):  # the count of an autoscaler is the autoscaler's
            return int(given)
        if service.desired == 0:
            raise StackStuckError(
                "0 of 0 tasks run: nothing serves",
                why="the count was set to 0 past CloudFormation, and nothing tells what the count should be",
                next_step="set the count: aws ecs update-service --desired-count 2 "
                f"--cluster {self.service_arn.split('/')[1]} --service {self.service_arn}",
            )
        return service.desired
