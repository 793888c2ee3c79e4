"""What Fargate refuses about a task definition, in AWS's words where they are known: pure."""

from collections.abc import Iterator, Mapping
from typing import Any

ADDABLE = {"SYS_PTRACE"}


def refusal(definition: Mapping[str, Any]) -> str | None:
    """Why a task definition (in the API's names) would not be taken, None when it would."""
    return next(_problems(definition), None)


def _problems(definition: Mapping[str, Any]) -> Iterator[str]:
    # Whatever it says that it is compatible with: all tasks run as Fargate's here.
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
    for container in definition.get("containerDefinitions") or []:
        capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
        if set(capabilities.get("add") or []) - ADDABLE:
            yield "Tasks launched on AWS Fargate only support adding the SYS_PTRACE kernel capability."
