"""Up, down and what is there: the host's side of the local AWS."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_aws.host import docker_engine, server_process
from local_aws.host.base_images import base_images
from local_aws.host.docker_resources import (
    CONTAINERS,
    ensure_network,
    labelled,
    remove_belongings,
    start_stopped_databases,
)
from local_aws.host.locks import CHECKOUT_LOCK, alone_in, alone_on_this_machine
from local_aws.host.options import choose, refuse_other_choices
from local_aws.settings import KIND_LABEL, REGION, Settings, for_checkout
from pipeline.aws import proxies
from pipeline.errors import DockerError

Say = Callable[[str], None]


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS: where it answers, for which account and region, and to which access key."""

    endpoint_url: str
    region: str
    account: str
    state_directory: Path
    access_key: str


def up(checkout: Path, say: Say, environ: Mapping[str, str] = os.environ) -> LocalAws:
    """Bring the local AWS of this checkout up, or find it up; what it knew before comes back.

    Raises DockerError, PortInUseError (a port that SLIPWAY_LOCAL_PORT asked for is taken), UsageError,
    LocalAwsError (it did not start; the log's last lines are in `details`).
    """
    proxies.leave_this_machine_out()
    with alone_in(Settings(checkout.resolve()), say):
        settings = for_checkout(checkout)
        client = docker_engine.ensure_engine(say)
        docker_engine.refuse_out_of_reach(client)
        if server_process.find_answering(settings) is not None:
            refuse_other_choices(settings, environ)
            ensure_network(client, settings)
            start_stopped_databases(client, settings, say)
            return _local_aws(settings)
        base_images(client, say)
        # Two checkouts that start at once must not choose the same port.
        with alone_on_this_machine("start", say):
            settings = choose(settings, environ)
            settings.save()
            ensure_network(client, settings)
            start_stopped_databases(client, settings, say)
            server_process.start(settings, say)
    return _local_aws(settings)


def down(checkout: Path, say: Say) -> None:
    """Take everything of this checkout away: process, containers, networks, volumes, state. Twice is fine.

    What is there is found by its label, so it also works after a crash and when half of it is gone.
    Raises DockerError when something is left that Docker will not remove.
    """
    settings = Settings(checkout.resolve())
    if not settings.state_directory.exists():
        server_process.stop(settings, say)
        remove_belongings(settings, say)
        return
    with alone_in(settings, say):
        server_process.stop(settings, say)
        remove_belongings(settings, say)
        for path in settings.state_directory.iterdir():
            if path.name != CHECKOUT_LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def running(checkout: Path) -> LocalAws | None:
    """The local AWS of this checkout if its process runs and answers."""
    settings = for_checkout(checkout)
    there = server_process.find(settings) is not None and server_process.healthy(settings)
    return _local_aws(settings) if there else None


def status(checkout: Path) -> list[str]:
    """What there is, a line each."""
    proxies.leave_this_machine_out()
    settings = for_checkout(checkout)
    server = server_process.find(settings)
    if server is None:
        lines = ["The local AWS is not running; `python -m pipeline local up` starts it."]
    elif server_process.healthy(settings):
        lines = [f"The local AWS answers at {settings.endpoint_url} (pid {server.pid})."]
    else:
        log = server_process.log_file(settings)
        lines = [f"The local AWS runs (pid {server.pid}) but does not answer; its log: {log}"]
    try:
        containers = labelled(docker_engine.connect().containers, settings, **CONTAINERS)
    except DockerError as error:
        return [*lines, f"No Docker engine answers: {error.why}"]
    return lines + [
        f"{container.labels.get(KIND_LABEL, 'container')} {container.name}: {container.status}"
        for container in sorted(containers, key=lambda container: str(container.name))
    ]


def _local_aws(settings: Settings) -> LocalAws:
    return LocalAws(
        settings.endpoint_url, REGION, settings.account, settings.state_directory, settings.access_key
    )
