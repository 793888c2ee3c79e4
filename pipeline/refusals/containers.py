"""What ECS and Fargate refuse about a task definition and a service, in ECS's words where they are known.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipeline.refusals.values import known, mappings, number, text, texts

# CPU units -> the sizes of memory in MiB.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
SIZES = {
    256: {512, 1024, 2048},
    512: {*range(1024, 4096 + 1, 1024)},
    1024: {*range(2048, 8192 + 1, 1024)},
    2048: {*range(4096, 16384 + 1, 1024)},
    4096: {*range(8192, 30720 + 1, 1024)},
    8192: {*range(16384, 61440 + 1, 4096)},
    16384: {*range(32768, 122880 + 1, 8192)},
    32768: {61440, 122880, 249856},
}
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
_ADDABLE = {"SYS_PTRACE"}
_IN_UNITS = re.compile(r"(\d*\.?\d+)\s*(vcpu|gb)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# Parameters of a container that Fargate does not support, and what holds them.
_NOT_ON_FARGATE = (
    ("", "DnsSearchDomains"),
    ("", "DnsServers"),
    ("", "DockerSecurityOptions"),
    ("", "DisableNetworking"),
    ("", "ExtraHosts"),
    ("", "Hostname"),
    ("", "Links"),
    ("LinuxParameters", "Devices"),
    ("LinuxParameters", "MaxSwap"),
    ("LinuxParameters", "SharedMemorySize"),
    ("LinuxParameters", "Swappiness"),
    ("LinuxParameters", "Tmpfs"),
)
_WANTS_ROLE = "Fargate requires task definition to have execution role ARN to support"
_HEALTH_BOUNDS = {"Interval": (5, 300), "Timeout": (2, 60), "Retries": (1, 10), "StartPeriod": (0, 300)}


def size_refusals(cpu: Any, memory: Any) -> Iterator[str]:
    """Why Fargate has no task of this size, in units or MiB or such as ".25 vCPU" and "0.5 GB"."""
    for name, value in (("cpu", cpu), ("memory", memory)):
        if not value:
            yield f"Fargate requires that '{name}' be defined at the task level."
    units, size = _units(cpu), _units(memory)
    if size not in SIZES.get(units, ()):
        yield (
            f"No Fargate configuration exists for given values: {units} CPU, {size} memory. "
            "See the Amazon ECS documentation for the valid values."
        )


def capability_refusals(add: Any) -> Iterator[str]:
    """Why Fargate adds none of these kernel capabilities."""
    if set(texts(add or [])) - _ADDABLE:
        yield "Tasks launched on AWS Fargate only support adding the SYS_PTRACE kernel capability."


def task_definition(properties: Mapping[str, Any]) -> Iterator[str]:
    """What ECS refuses about the properties of AWS::ECS::TaskDefinition."""
    containers = list(mappings(properties.get("ContainerDefinitions")))
    fargate = "FARGATE" in texts(properties.get("RequiresCompatibilities") or [])
    for container in containers:
        yield from _container(container)
        if properties.get("NetworkMode") == "awsvpc":
            yield from _ports(container)
        if fargate:
            yield from _fargate_container(container)
    names = [text(one.get("Name")) for one in containers]
    for name in sorted({name for name in names if name is not None and names.count(name) > 1}):
        yield f"The container name '{name}' is given twice; the names of a task's containers must be unique."
    yield from _dependencies(containers)
    yield from _mounts(properties, containers)
    yield from _ports_twice(containers)
    if fargate:
        yield from _fargate(properties, containers)


def service(properties: Mapping[str, Any]) -> Iterator[str]:
    """What ECS refuses about the properties of AWS::ECS::Service."""
    strategy = list(mappings(properties.get("CapacityProviderStrategy")))
    if properties.get("LaunchType") and properties.get("CapacityProviderStrategy"):
        yield (
            "Specifying both a launch type and capacity provider strategy is not supported. "
            "Remove one and try again."
        )
    fargate = properties.get("LaunchType") == "FARGATE" or any(
        str(one.get("CapacityProvider", "")).startswith("FARGATE") for one in strategy
    )
    if fargate and "NetworkConfiguration" not in properties:
        yield "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    if strategy and all(number(one.get("Weight", 0)) == 0 for one in strategy):
        yield "At least one capacity provider in the strategy must have a weight greater than 0."
    if sum((number(one.get("Base")) or 0) > 0 for one in strategy) > 1:
        yield "A capacity provider strategy can have only one capacity provider with a base defined."
    network = properties.get("NetworkConfiguration")
    vpc = network.get("AwsvpcConfiguration") if isinstance(network, dict) else None
    for name, most in (("Subnets", 16), ("SecurityGroups", 5)):
        given = vpc.get(name) if isinstance(vpc, dict) else None
        if isinstance(given, list) and len(given) > most:
            yield f"{name[0].lower()}{name[1:]} can have at most {most} items."
    deployment = properties.get("DeploymentConfiguration")
    if isinstance(deployment, dict):
        least, most_ = (
            number(deployment.get("MinimumHealthyPercent")),
            number(deployment.get("MaximumPercent")),
        )
        if least is not None and most_ is not None and least > most_:
            yield "The maximumPercent must not be less than the minimumHealthyPercent."


def cluster(properties: Mapping[str, Any]) -> Iterator[str]:
    """What ECS refuses about the properties of AWS::ECS::Cluster.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterSetting.html
    """
    for setting in mappings(properties.get("ClusterSettings")):
        name, value = text(setting.get("Name")), text(setting.get("Value"))
        if name not in (None, "containerInsights"):
            yield f"Invalid setting name: {name}"
        elif value not in (None, "enabled", "enhanced", "disabled"):
            yield f"Invalid setting value: {value}"


def _units(given: Any) -> int:
    match = _IN_UNITS.fullmatch(str(given).strip())
    return int(float(match[1]) * (1024 if match[2] else 1)) if match else 0


def _container(container: Mapping[str, Any]) -> Iterator[str]:
    name = text(container.get("Name"))
    if name is not None and not _NAME.fullmatch(name):
        yield (
            "Container.name contains invalid characters. "
            "Use up to 255 letters, numbers, hyphens and underscores."
        )
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html
    names = [text(one.get("Name")) for one in mappings(container.get("Environment"))]
    for secret in mappings(container.get("Secrets")):
        if (secret_name := text(secret.get("Name"))) in names:
            yield (
                "The secret name must be unique and not shared with any new or existing environment "
                f"variables set on the container, such as '{secret_name}'."
            )
        names.append(secret_name)
    hard, soft = number(container.get("Memory")), number(container.get("MemoryReservation"))
    if hard is not None and soft is not None and hard < soft:
        yield f"The memory of container '{name}' must not be less than its memoryReservation."
    health = container.get("HealthCheck")
    for key, (least, most) in _HEALTH_BOUNDS.items():
        value = number(health.get(key)) if isinstance(health, dict) else None
        if value is not None and not least <= value <= most:
            yield f"The health check {key[0].lower()}{key[1:]} must be between {least} and {most}."


def _ports(container: Mapping[str, Any]) -> Iterator[str]:
    for mapping in mappings(container.get("PortMappings")):
        host, inside = number(mapping.get("HostPort")), number(mapping.get("ContainerPort"))
        if host not in (None, 0) and inside is not None and host != inside:
            yield (
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match. "
                f"(container '{text(container.get('Name'))}': {host:g} and {inside:g})"
            )


def _ports_twice(containers: list[dict[str, Any]]) -> Iterator[str]:
    seen: set[tuple[float, str]] = set()
    for container in containers:
        for mapping in mappings(container.get("PortMappings")):
            port, protocol = number(mapping.get("ContainerPort")), text(mapping.get("Protocol", "tcp")) or ""
            if port is not None and (port, protocol) in seen:
                yield f"The container port {port:g} is given twice; the containers of a task share ports."
            if port is not None:
                seen.add((port, protocol))


def _fargate_container(container: Mapping[str, Any]) -> Iterator[str]:
    name = text(container.get("Name"))
    for holder, key in _NOT_ON_FARGATE:
        place = container.get(holder) if holder else container
        if isinstance(place, dict) and place.get(key) not in (None, [], False, "false"):
            yield f"Fargate compatible task definitions do not support {key[0].lower()}{key[1:]} ('{name}')."
    if text(container.get("Privileged")) == "true":
        yield f"Fargate compatible task definitions do not support privileged ('{name}')."
    linux = container.get("LinuxParameters")
    capabilities = linux.get("Capabilities") if isinstance(linux, dict) else None
    if isinstance(capabilities, dict):
        yield from capability_refusals(capabilities.get("Add"))
    stop = number(container.get("StopTimeout"))
    if stop is not None and not 0 <= stop <= 120:
        yield f"The stopTimeout of container '{name}' must be at most 120 seconds on Fargate."
    for limit in mappings(container.get("Ulimits")):
        if text(limit.get("Name")) not in ("nofile", None):
            yield f"Fargate supports the ulimit nofile alone ('{name}')."


def _fargate(properties: Mapping[str, Any], containers: list[dict[str, Any]]) -> Iterator[str]:
    cpu, memory = properties.get("Cpu"), properties.get("Memory")
    if known(cpu) and known(memory):
        yield from size_refusals(cpu, memory)
        sums = (("Cpu", cpu, "CPU"), ("Memory", memory, "memory"))
        for key, whole, word in sums if cpu and memory else ():
            if sum(number(one.get(key)) or 0 for one in containers) > _units(whole):
                yield f"The {word} of the containers must not be greater than the {word} of the task."
    if "ExecutionRoleArn" not in properties:
        for container in containers:
            logs = container.get("LogConfiguration")
            if isinstance(logs, dict) and logs.get("LogDriver") == "awslogs":
                yield f"{_WANTS_ROLE} log driver awslogs."
            if container.get("Secrets"):
                yield (
                    "When you are specifying container secrets, you must also specify a value for "
                    "'executionRoleArn'."
                )
    for volume in mappings(properties.get("Volumes")):
        host = volume.get("Host")
        if (isinstance(host, dict) and host.get("SourcePath")) or "DockerVolumeConfiguration" in volume:
            name = text(volume.get("Name"))
            yield f"Fargate compatible task definitions do not support host volumes ('{name}')."
    for key, refused in (("IpcMode", ("host", "task", "none")), ("PidMode", ("host",))):
        if text(properties.get(key)) in refused:
            yield f"Fargate compatible task definitions do not support this {key[0].lower()}{key[1:]}."
    storage = properties.get("EphemeralStorage")
    size = number(storage.get("SizeInGiB")) if isinstance(storage, dict) else None
    if size is not None and not 21 <= size <= 200:
        yield "The ephemeral storage must be between 21 and 200 GiB."


def _dependencies(containers: list[dict[str, Any]]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""
    named = {text(one.get("Name")): one for one in containers}
    graph: dict[str | None, set[str | None]] = {name: set() for name in named}
    for name, container in named.items():
        for dependency in mappings(container.get("DependsOn")):
            other = text(dependency.get("ContainerName"))
            if other is None:
                continue
            if other not in named:
                yield f"Container '{name}' depends on '{other}', which is no container of the task."
                continue
            graph[name].add(other)
            condition, target = text(dependency.get("Condition")), named[other]
            if condition == "HEALTHY" and "HealthCheck" not in target:
                yield f"Container '{name}' waits for '{other}' to be HEALTHY, which has no health check."
            ends = condition in ("COMPLETE", "SUCCESS")
            if ends and text(target.get("Essential", True)) == "true":
                yield f"Container '{name}' waits for the end of '{other}', which is essential."
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"The containers depend on each other: {' -> '.join(map(str, error.args[1]))}"


def _mounts(properties: Mapping[str, Any], containers: list[dict[str, Any]]) -> Iterator[str]:
    volumes = {text(one.get("Name")) for one in mappings(properties.get("Volumes"))}
    for container in containers:
        for mount in mappings(container.get("MountPoints")):
            source = text(mount.get("SourceVolume"))
            if source is not None and source not in volumes and None not in volumes:
                yield f"Unknown volume '{source}'."
