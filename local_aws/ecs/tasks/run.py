"""The life of one task, from PROVISIONING to STOPPED, top to bottom, on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from local_aws.ecs.tasks.awslogs import LogDriverError, LogStream, create_stream, stream_of
from local_aws.ecs.tasks.container_options import stop_timeout
from local_aws.ecs.tasks.containers import ContainerError, Containers, Seen
from local_aws.ecs.tasks.dependencies import lost, startable, stop_order
from local_aws.ecs.tasks.first_checks import await_first_success
from local_aws.ecs.tasks.restart_policy import restarts
from local_aws.ecs.tasks.secrets import SecretError, SecretStores, secret_environment
from local_aws.ecs.tasks.task import Container, Task
from local_aws.shapes import CloudWatchLogsClient, ContainerDefinition

logger = logging.getLogger("slipway.tasks")
LOOK_SECONDS = 5.0
RETRY_SECONDS = 5.0


class TaskStopped(Exception):  # noqa: N818 - not an error: the task was told to stop while it started
    """The task was asked to stop before all its containers had started."""


class TaskRun:
    """Runs one task.

    secrets: reads secrets as the execution role; logs: gives a boto3 logs client; before_stop(task): blocks
    while the task is taken out of its load balancers (DEACTIVATING); changed(): called after every step.
    """

    def __init__(
        self,
        task: Task,
        containers: Containers,
        *,
        secrets: SecretStores,
        logs: Callable[[], CloudWatchLogsClient],
        before_stop: Callable[[Task], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.task = task
        self._containers = containers
        self._secrets = secrets
        self._logs = logs
        self._before_stop = before_stop
        self._changed = changed
        self._sleep = sleep
        self._clock = clock
        self._network_holder = ""
        self._streams: dict[str, LogStream] = {}
        self._ordered = task.definition["containerDefinitions"]
        self._definitions = {one["name"]: one for one in self._ordered}

    def start(self) -> None:
        threading.Thread(target=self.run, name=f"task {self.task.id[:8]}", daemon=True).start()

    def stop(self, code: str, reason: str) -> None:
        """Ask for the end; returns at once."""
        self.task.stop(code, reason, time.time())
        self._containers.changes.tell()

    def run(self) -> None:
        """Live the whole life; whatever goes wrong becomes the task's stopped reason."""
        try:
            self._start_containers()
            self._become("RUNNING")
            self.task.started_at = time.time()
            self._wait_until(self._is_ending)
        except TaskStopped:
            pass
        except (ContainerError, SecretError, LogDriverError) as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("task %s", self.task.id)
            self._fail(f"InternalError: {error}")
        self._end()

    def _start_containers(self) -> None:
        environments = {name: self._environment(definition) for name, definition in self._definitions.items()}
        self._network_holder, self.task.address = self._containers.start_network_holder(self.task.id)
        self._become("PENDING")
        for image in sorted({one.image for one in self.task.containers}):
            self._containers.pull(image)
        self._become("ACTIVATING")
        while any(one.status == "PENDING" for one in self.task.containers):
            self._look()
            for name in startable(self._ordered, self.task.states):
                self._start_container(self._container(name), environments[name])
            self._check_dependencies()
            if any(one.status == "PENDING" for one in self.task.containers):
                self._wait_until(self._can_go_on)
            if self.task.desired_status == "STOPPED":
                raise TaskStopped
            if self._essential_ended():
                return

    def _environment(self, definition: ContainerDefinition) -> dict[str, str]:
        environment = {one["name"]: one["value"] for one in definition.get("environment") or []}
        environment |= secret_environment(definition, self._secrets, self.task.place)
        for override in self.task.overrides.get("containerOverrides") or []:
            if override["name"] == definition["name"]:
                environment |= {one["name"]: one["value"] for one in override.get("environment") or []}
        return environment

    def _start_container(self, container: Container, environment: dict[str, str]) -> None:
        definition = self._definitions[container.name]
        for override in self.task.overrides.get("containerOverrides") or []:
            if override["name"] == container.name and override.get("command"):
                definition = {**definition, "command": override["command"]}
        if names := stream_of(definition, self.task.id):
            create_stream(self._logs(), *names)
        volumes = [one["name"] for one in self.task.definition.get("volumes") or []]
        container.started_at = self._clock()
        try:
            docker_id = self._containers.start(
                self.task.id, definition, environment, self._network_holder, volumes
            )
        except ContainerError as error:
            container.status, container.reason = "STOPPED", str(error)
            raise
        container.docker_id, container.status = docker_id, "RUNNING"
        self._follow(container)

    def _follow(self, container: Container) -> None:
        """Send the container's lines to its log stream from now on, and ask for its health."""
        definition, docker_id, since = (
            self._definitions[container.name],
            container.docker_id,
            container.started_at,
        )
        if names := stream_of(definition, self.task.id):
            self._streams[container.name] = LogStream(
                self._logs(), *names, lambda: self._containers.lines(docker_id, since)
            )
        if check := definition.get("healthCheck"):
            threading.Thread(
                target=self._check_first, args=(container, check["command"]), daemon=True
            ).start()

    def _starts_again(self, container: Container, seen: Seen) -> bool:
        """Start a container that ended again, where its restart policy says so."""
        now = self._clock()
        if self.task.desired_status == "STOPPED" or not restarts(
            self._definitions[container.name], seen.exit_code, now - container.started_at
        ):
            return False
        try:
            self._containers.restart(container.docker_id)
        except ContainerError as error:
            container.reason = str(error)
            return False
        container.started_at, container.health = now, "UNKNOWN"
        self._follow(container)
        return True

    def _check_first(self, container: Container, command: Sequence[str]) -> None:
        await_first_success(
            container, lambda: self._containers.passes(container.docker_id, command), self._sleep
        )
        self._containers.changes.tell()

    def _look(self) -> None:
        """Ask Docker how the running containers are; while it does not say, they run."""
        for container in self.task.containers:
            if container.status != "RUNNING":
                continue
            seen = self._containers.see(container.docker_id)
            if seen is None:
                continue
            if container.has_health_check and seen.health != "UNKNOWN":
                container.health = seen.health
            if not seen.running:
                if stream := self._streams.pop(container.name, None):
                    stream.finish()
                if self._starts_again(container, seen):
                    continue
                container.exit_code = seen.exit_code
                container.status = "STOPPED"
                if seen.out_of_memory:
                    container.reason = "OutOfMemoryError: Container killed due to memory usage"
        self._changed()

    def _check_dependencies(self) -> None:
        """Fail a task one of whose containers can never start."""
        if (found := lost(self._ordered, self.task.states)) is not None:
            name, words = found
            container = self._container(name)
            container.status, container.reason = "STOPPED", words
            raise ContainerError("Task failed to start")

    def _can_go_on(self) -> bool:
        ordered, states = self._ordered, self.task.states
        return bool(self._is_ending() or startable(ordered, states) or lost(ordered, states))

    def _is_ending(self) -> bool:
        return self.task.desired_status == "STOPPED" or self._essential_ended()

    def _essential_ended(self) -> bool:
        essentials = [one for one in self.task.containers if one.essential]
        if any(one.status == "STOPPED" for one in essentials):
            self.task.stop("EssentialContainerExited", "Essential container in task exited", time.time())
            return True
        return False

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Look at the containers whenever Docker says that one changed, and every few seconds anyway."""
        while True:
            count = self._containers.changes.count
            self._look()
            if condition():
                return
            self._containers.changes.wait_beyond(count, LOOK_SECONDS)

    def _fail(self, reason: str) -> None:
        self.task.stop("TaskFailedToStart", reason, time.time())

    def _end(self) -> None:
        """Whatever Docker says: who releases or deletes the service waits for STOPPED.

        What could not be removed is removed later, on this thread, when the engine answers again.
        """
        for step in (self._leave, self._stop_containers):
            try:
                step()
            except Exception:
                logger.exception("task %s does not end as it should", self.task.id)
        self._become("DEPROVISIONING")
        removed = self._containers.remove_task(self.task.id)
        for container in self.task.containers:
            container.status = "STOPPED"
        self.task.stopped_at = time.time()
        self._become("STOPPED")
        while not removed:
            threading.Event().wait(RETRY_SECONDS)
            removed = self._containers.remove_task(self.task.id)

    def _leave(self) -> None:
        if self.task.started_at is not None:
            self._become("DEACTIVATING")
            self._before_stop(self.task)

    def _stop_containers(self) -> None:
        self._become("STOPPING")
        for name in stop_order(self._ordered):
            container = self._container(name)
            if container.status == "RUNNING":
                self._containers.stop(container.docker_id, stop_timeout(self._definitions[name]))
                self._look()

    def _become(self, status: str) -> None:
        self.task.last_status = status
        self._changed()

    def _container(self, name: str) -> Container:
        return next(one for one in self.task.containers if one.name == name)
