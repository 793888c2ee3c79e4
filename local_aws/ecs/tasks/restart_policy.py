"""Whether a container that ended is started again in its task: pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html
"""

from local_aws.shapes import ContainerDefinition

DEFAULT_PERIOD_SECONDS = 300


def restarts(definition: ContainerDefinition, exit_code: int | None, ran_seconds: float) -> bool:
    """Whether ECS starts a container again that ended by itself.

    ran_seconds: since the container started or was started again. ECS starts it again at most once in each
    restartAttemptPeriod: a container that ends earlier stays ended.
    """
    policy = definition.get("restartPolicy")
    if policy is None or not policy["enabled"] or exit_code is None:
        return False
    if exit_code in (policy.get("ignoredExitCodes") or []):
        return False
    return ran_seconds >= policy.get("restartAttemptPeriod", DEFAULT_PERIOD_SECONDS)
