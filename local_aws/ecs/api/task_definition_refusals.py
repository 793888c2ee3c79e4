"""What Fargate refuses about a task definition, in AWS's words where they are known: pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
"""

from collections.abc import Iterator

from local_aws.shapes import TaskDefinition
from pipeline.refusals.containers import capability_refusals, size_refusals


def refusal(definition: TaskDefinition) -> str | None:
    """Why Fargate refuses a task definition in the API's names, None when Fargate accepts it."""
    return next(_problems(definition), None)


def _problems(definition: TaskDefinition) -> Iterator[str]:
    if "FARGATE" in (definition.get("requiresCompatibilities") or []):
        yield from size_refusals(definition.get("cpu"), definition.get("memory"))
    containers = definition.get("containerDefinitions") or []
    if not definition.get("executionRoleArn") and any(one.get("secrets") for one in containers):
        yield (
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )
    # For every compatibility, because all tasks run as Fargate's here.
    for container in containers:
        capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
        yield from capability_refusals(capabilities.get("add"))
