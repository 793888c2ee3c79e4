"""What Fargate refuses about a task definition, in AWS's words where they are known: pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
"""

import re
from collections.abc import Iterator
from typing import Any

from local_aws.shapes import TaskDefinition

ADDABLE = {"SYS_PTRACE"}
# CPU units -> the sizes of memory in MiB.
SIZES = {
    256: {512, 1024, 2048},
    512: {*range(1024, 4096 + 1, 1024)},
    1024: {*range(2048, 8192 + 1, 1024)},
    2048: {*range(4096, 16384 + 1, 1024)},
    4096: {*range(8192, 30720 + 1, 1024)},
    8192: {*range(16384, 61440 + 1, 4096)},
    16384: {*range(32768, 122880 + 1, 8192)},
}
_IN_UNITS = re.compile(r"(\d*\.?\d+)\s*(vcpu|gb)?", re.IGNORECASE)


def refusal(definition: TaskDefinition) -> str | None:
    """Why Fargate refuses a task definition in the API's names, None when Fargate accepts it."""
    return next(_problems(definition), None)


def _problems(definition: TaskDefinition) -> Iterator[str]:
    if "FARGATE" in (definition.get("requiresCompatibilities") or []):
        yield from _size(definition)
    containers = definition.get("containerDefinitions") or []
    if not definition.get("executionRoleArn") and any(one.get("secrets") for one in containers):
        yield (
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )
    # For every compatibility, because all tasks run as Fargate's here.
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
    for container in containers:
        capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
        if set(capabilities.get("add") or []) - ADDABLE:
            yield "Tasks launched on AWS Fargate only support adding the SYS_PTRACE kernel capability."


def _size(definition: TaskDefinition) -> Iterator[str]:
    for name in ("cpu", "memory"):
        if not definition.get(name):
            yield f"Fargate requires that '{name}' be defined at the task level."
    cpu, memory = _units(definition.get("cpu")), _units(definition.get("memory"))
    if memory not in SIZES.get(cpu, ()):
        yield (
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
            "See the Amazon ECS documentation for the valid values."
        )


def _units(given: Any) -> int:
    """A size in units or MiB: of 256 or ".25 vCPU", of 512 or "0.5 GB"."""
    match = _IN_UNITS.fullmatch(str(given).strip())
    if match is None:
        return 0
    return int(float(match[1]) * (1024 if match[2] else 1))
