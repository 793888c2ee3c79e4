"""Up, down and status of one checkout's local AWS."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from local_aws.checkout import KIND_LABEL, Checkout, for_checkout
from local_aws.host import docker_engine, server_process
from local_aws.host.base_images import base_images
from local_aws.host.docker_resources import (
    CONTAINERS,
    ensure_network,
    labelled,
    remove_docker_resources,
    start_stopped_databases,
)
from local_aws.host.locks import CHECKOUT_LOCK, alone_in, alone_on_this_machine
from local_aws.host.options import choose, refuse_other_options
from pipeline.aws import proxies
from pipeline.errors import DockerError

Log = Callable[[str], None]


def up(path: Path, log: Log, environ: Mapping[str, str] = os.environ) -> Checkout:
    """Start the local AWS of this checkout, or find it running. Its records come back.

    path: the checkout's directory. log: gets each line of progress. Raises DockerError, PortInUseError (the
    port in SLIPWAY_LOCAL_PORT is taken), UsageError, LocalAwsError (the server process did not start; the
    log's last lines are in `details`).
    """
    proxies.leave_this_machine_out()
    with alone_in(Checkout(path.resolve()), log):
        checkout = for_checkout(path)
        client = docker_engine.ensure_engine(log)
        docker_engine.refuse_out_of_reach(client)
        if server_process.find_answering(checkout) is not None:
            refuse_other_options(checkout, environ)
            ensure_network(client, checkout)
            start_stopped_databases(client, checkout, log)
            return checkout
        base_images(client, log)
        # Two checkouts that start at once must not choose the same port.
        with alone_on_this_machine("start", log):
            checkout = choose(checkout, environ)
            checkout.save()
            ensure_network(client, checkout)
            start_stopped_databases(client, checkout, log)
            server_process.start(checkout, log)
    return checkout


def down(path: Path, log: Log) -> None:
    """Remove the server process, containers, networks, volumes and state of this checkout. Twice is fine.

    Labels find the resources, so `down` also works after a crash, and when some resources are gone.
    Raises DockerError when Docker does not remove a resource.
    """
    checkout = Checkout(path.resolve())
    if not checkout.state_directory.exists():
        server_process.stop(checkout, log)
        remove_docker_resources(checkout, log)
        return
    with alone_in(checkout, log):
        server_process.stop(checkout, log)
        remove_docker_resources(checkout, log)
        for file in checkout.state_directory.iterdir():
            if file.name != CHECKOUT_LOCK:
                shutil.rmtree(file) if file.is_dir() else file.unlink()


def running(path: Path) -> Checkout | None:
    """The local AWS of this checkout, None unless its server process runs and answers."""
    checkout = for_checkout(path)
    there = server_process.find(checkout) is not None and server_process.healthy(checkout)
    return checkout if there else None


def status(path: Path) -> list[str]:
    """The server process and the containers of this checkout, one line each."""
    proxies.leave_this_machine_out()
    checkout = for_checkout(path)
    server = server_process.find(checkout)
    if server is None:
        lines = ["The local AWS is not running; `python -m pipeline local up` starts it."]
    elif server_process.healthy(checkout):
        lines = [f"The local AWS answers at {checkout.endpoint_url} (pid {server.pid})."]
    else:
        file = server_process.log_file(checkout)
        lines = [f"The local AWS runs (pid {server.pid}) but does not answer; its log: {file}"]
    try:
        containers = labelled(docker_engine.connect().containers, checkout, **CONTAINERS)
    except DockerError as error:
        return [*lines, f"No Docker engine answers: {error.why}"]
    return lines + [
        f"{container.labels.get(KIND_LABEL, 'container')} {container.name}: {container.status}"
        for container in sorted(containers, key=lambda container: str(container.name))
    ]
