"""How long things take here, for docs/performance.md. Needs `make up` first; passes or fails nothing.

`make bench` runs it: whole processes for commands, minimum, median and maximum of several runs each.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import docker
import requests

from local_aws.checkout import for_checkout
from tests.benchmarks import side_by_side
from tests.support.repository import ROOT

RUNS = 5


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return time.perf_counter() - started


def pipeline_seconds() -> float:
    """What a deploy with nothing to change says of itself: without Python's own start."""
    command = [sys.executable, "-m", "pipeline", "deploy", "local", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)["seconds"])


def start_to_ready() -> float:
    """A container of the running version beside the others: from `docker run` to readiness 200."""
    client = docker.from_env()
    checkout = for_checkout(ROOT)
    running = client.containers.list(filters={"label": checkout.label_filter, "name": "-app"})[0]
    started = time.perf_counter()
    container = client.containers.run(
        running.image.id,
        ["serve"],
        environment=running.attrs["Config"]["Env"],
        network=checkout.network,
        labels=checkout.labels("benchmark"),
        detach=True,
    )
    try:
        while time.perf_counter() - started < 60:
            container.reload()
            ip = container.attrs["NetworkSettings"]["Networks"][checkout.network]["IPAddress"]
            try:
                if ip and requests.get(f"http://{ip}:8081/actuator/health/readiness", timeout=1).ok:
                    return time.perf_counter() - started
            except requests.RequestException:
                pass
            time.sleep(0.01)
        raise SystemExit(f"not ready within 60 s:\n{container.logs().decode()}")
    finally:
        container.remove(force=True)


def image_megabytes() -> float:
    client = docker.from_env()
    running = client.containers.list(filters={"label": for_checkout(ROOT).label_filter, "name": "-app"})[0]
    return float(running.image.attrs["Size"]) / 1e6


def show(what: str, measure: Callable[[], float], runs: int = RUNS) -> None:
    measure()  # a warm-up, not counted
    taken = sorted(measure() for _ in range(runs))
    print(
        f"{what:<58} {taken[0]:8.2f} {statistics.median(taken):8.2f} {taken[-1]:8.2f}   of {runs} runs",
        flush=True,
    )


def main() -> None:
    python = sys.executable
    print(f"{'':<58} {'min':>8} {'median':>8} {'max':>8}")
    show("deploy, nothing to change: pipeline time (s)", pipeline_seconds)
    show(
        "deploy, nothing to change: whole process (s)",
        lambda: seconds([python, "-m", "pipeline", "deploy", "local"]),
    )
    show("python -m pipeline --help (s)", lambda: seconds([python, "-m", "pipeline", "--help"]))
    show("container start to ready (s)", start_to_ready)
    show("image (MB)", image_megabytes, 1)
    show("unit tests, whole process (s)", lambda: seconds(["make", "unit"]), 3)
    side_by_side.main()


if __name__ == "__main__":
    main()
