"""How quickly `orders` answers, beside a minimal service; and the local load balancer, beside HAProxy.

All of them take turns in one run, so that whatever else the machine does slows all of them. Needs `make up`;
passes or fails nothing. `make bench` runs it, and so does `python -m tests.benchmarks.side_by_side`.
"""

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container

from local_aws.checkout import for_checkout
from tests.benchmarks.load import Load, load
from tests.support.repository import ROOT

ROUNDS = 10
SECONDS = 2
CONNECTIONS = 16
CHECKOUT = for_checkout(ROOT)
MINIMAL = "minimal FastAPI and SQLAlchemy service"
HAPROXY = """\
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen orders
    bind 127.0.0.1:{port}
    balance roundrobin
    http-reuse always
"""


def containers(client: docker.DockerClient, name: str) -> list[Container]:
    return client.containers.list(filters={"label": CHECKOUT.label_filter, "name": name})


def address(container: Container) -> str:
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][CHECKOUT.network]["IPAddress"])


@contextlib.contextmanager
def running_beside(client: docker.DockerClient, task: Container, **options: Any) -> Iterator[str]:
    """The URL of another container of the task's image, with the task's environment and database."""
    container = client.containers.run(
        task.image.id,
        environment=task.attrs["Config"]["Env"],
        network=CHECKOUT.network,
        labels=CHECKOUT.labels("benchmark"),
        detach=True,
        **options,
    )
    try:
        url = f"http://{address(container)}:8080"
        wait_for(url)
        yield url
    finally:
        container.remove(force=True)


@contextlib.contextmanager
def haproxy(program: str, targets: list[str]) -> Iterator[str]:
    """The URL of an HAProxy in front of the same tasks as the local load balancer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "haproxy.cfg")
        servers = [f"    server task{number} {target}:8080\n" for number, target in enumerate(targets)]
        file.write_text(HAPROXY.format(port=port) + "".join(servers))
        with subprocess.Popen([program, "-db", "-f", str(file)]) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_for(url)
                yield url
            finally:
                process.terminate()


def wait_for(url: str) -> None:
    """Until anything answers. Gives up after 60 seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            requests.get(url, timeout=1)
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url} within 60 s")


def balancer_url() -> str:
    command = [sys.executable, "-m", "pipeline", "status", "local", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return str(json.loads(done.stdout)["url"])


def measure(urls: dict[str, str]) -> dict[str, list[tuple[Load, Load]]]:
    """For each URL, what one connection and what CONNECTIONS connections saw in each round."""
    for url in urls.values():
        load(url, connections=CONNECTIONS, seconds=1)  # a warm-up, not counted
    seen: dict[str, list[tuple[Load, Load]]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            one = load(url, connections=1, seconds=SECONDS)
            many = load(url, connections=CONNECTIONS, seconds=SECONDS)
            seen[name].append((one, many))
    return seen


def show(urls: dict[str, str]) -> None:
    """One line per URL: medians of all rounds, and their ratio to the first URL's in the same round."""
    seen = measure(urls)
    print(
        f"\n{'median of ' + str(ROUNDS) + ' rounds':<44} {'1 connection':>21} {CONNECTIONS:>10} connections"
    )
    print(f"{'':<44} {'p50 ms':>10} {'requests/s':>10} {'requests/s':>10} {'of the first':>13}")
    first = next(iter(seen.values()))
    for name, rounds in seen.items():
        p50 = statistics.median(one.median_milliseconds for one, _ in rounds)
        one_rate = statistics.median(one.requests_per_second for one, _ in rounds)
        rate = statistics.median(many.requests_per_second for _, many in rounds)
        ratio = statistics.median(
            many.requests_per_second / reference.requests_per_second
            for (_, many), (_, reference) in zip(rounds, first, strict=True)
        )
        print(f"{name:<44} {p50:>10.2f} {one_rate:>10.0f} {rate:>10.0f} {ratio:>13.2f}", flush=True)


def main() -> None:
    client = docker.from_env()
    task = containers(client, "-app")[0]
    balancer = balancer_url()
    order = requests.post(f"{balancer}/orders", json={"item": "tea", "quantity": 2}, timeout=10).headers[
        "Location"
    ]
    source = Path(__file__).with_name("minimal_service.py").read_text()
    with (
        running_beside(client, task, entrypoint=["python", "-c", source]) as minimal,
        running_beside(client, task, command=["serve"]) as orders,
    ):
        show({MINIMAL: minimal + order, "orders": orders + order})

    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        print("\nHAProxy is not installed (apt-get install haproxy): the local load balancer is left out.")
        return
    tasks = [address(network) for network in containers(client, "-network")]
    with haproxy(program, tasks) as proxy:
        show(
            {
                "orders through HAProxy": proxy + order,
                "orders through the local load balancer": balancer + order,
            }
        )


if __name__ == "__main__":
    main()
