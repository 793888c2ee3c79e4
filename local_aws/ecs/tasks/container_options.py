"""A container definition of ECS as options of the Docker SDK: pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from collections.abc import Container, Mapping
from typing import Any

from docker.types import Ulimit

from local_aws.shapes import ContainerDefinition, HealthCheck

NANOSECONDS = 1_000_000_000
DEFAULT_STOP_TIMEOUT_SECONDS = 30  # Fargate's


def container_options(
    definition: ContainerDefinition, volumes: Mapping[str, str], declared: Container[str] = ()
) -> dict[str, Any]:
    """The Docker SDK's options for a container definition.

    volumes: task volume -> Docker volume. declared: the paths that the image declares as VOLUME. As on
    Fargate, a volume takes files, owner and permissions from the image at these paths only. At any other path
    its root belongs to root (0755):
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
    """
    linux = definition.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    options: dict[str, Any] = {
        "command": definition.get("command"),
        "entrypoint": definition.get("entryPoint"),
        "working_dir": definition.get("workingDirectory"),
        "user": definition.get("user"),
        "read_only": definition.get("readonlyRootFilesystem") or False,
        "init": linux.get("initProcessEnabled") or False,
        "cap_drop": capabilities.get("drop"),
        "cap_add": capabilities.get("add"),
        "mem_limit": f"{definition['memory']}m" if definition.get("memory") else None,
        "healthcheck": _health_check(definition.get("healthCheck")),
        "volumes": {
            volumes[mount["sourceVolume"]]: {
                "bind": mount["containerPath"],
                "mode": ("ro" if mount.get("readOnly") else "rw")
                + ("" if mount["containerPath"] in declared else ",nocopy"),
            }
            for mount in definition.get("mountPoints") or []
        },
        "ulimits": [
            Ulimit(name=one["name"], soft=int(one["softLimit"]), hard=int(one["hardLimit"]))
            for one in definition.get("ulimits") or []
        ],
    }
    return {key: value for key, value in options.items() if value not in (None, [], {})}


def _health_check(check: "HealthCheck | None") -> dict[str, Any] | None:
    """The health check of a container, with ECS's defaults.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    if not check:
        return None
    return {
        "test": check["command"],
        "interval": int(check.get("interval", 30)) * NANOSECONDS,
        "timeout": int(check.get("timeout", 5)) * NANOSECONDS,
        "retries": int(check.get("retries", 3)),
        "start_period": int(check.get("startPeriod", 0)) * NANOSECONDS,
    }


def stop_timeout(definition: ContainerDefinition) -> int:
    """Seconds from SIGTERM to SIGKILL."""
    return int(definition.get("stopTimeout", DEFAULT_STOP_TIMEOUT_SECONDS))
