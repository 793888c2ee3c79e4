"""Starts, finds and stops the server process."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from local_aws.checkout import Checkout
from local_aws.host import docker_engine, process
from pipeline.errors import LocalAwsError, WaitTimeoutError
from pipeline.waiting import wait_until

START_SECONDS = 60
STOP_SECONDS = 30
MODULE = "local_aws.server"


def start(checkout: Checkout, log: Callable[[str], None]) -> None:
    """Start the server process in a session of its own, and wait until it answers.

    Raises LocalAwsError, with the log's last lines, when the process ends or does not answer.
    """
    log(f"starting the local AWS at {checkout.endpoint_url}")
    with log_file(checkout).open("ab") as output:
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", MODULE, "--state", str(checkout.state_directory)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    identity = process.of(server.pid)
    if identity is not None:
        identity.save(pid_file(checkout))

    def answers() -> bool | None:
        if server.poll() is not None:
            raise _did_not_start(checkout, f"it ended with exit code {server.returncode}")
        return healthy(checkout) or None

    try:
        _until(answers)
    except WaitTimeoutError as error:
        raise _did_not_start(checkout, f"it did not answer within {START_SECONDS} s") from error
    except BaseException:
        server.terminate()
        raise


def find_answering(checkout: Checkout) -> process.Process | None:
    """The server process of this checkout once it answers, None when there is none or it is ending.

    Raises LocalAwsError when the process runs and does not answer.
    """
    server = find(checkout)
    if server is None:
        return None
    try:
        answers = _until(lambda: True if healthy(checkout) else None if server.alive() else False)
    except WaitTimeoutError as error:
        raise LocalAwsError(
            "the local AWS runs but does not answer",
            why=f"process {server.pid} was silent for {START_SECONDS} s",
            next_step=f"read {log_file(checkout)}; `python -m pipeline local down` ends it and all it knows",
            details=docker_engine.last_lines(log_file(checkout), 15),
        ) from error
    return server if answers else None


def stop(checkout: Checkout, log: Callable[[str], None]) -> None:
    """End the server process with SIGTERM, and after 30 s with SIGKILL."""
    server = find(checkout)
    if server is None:
        return
    log("stopping the local AWS")
    server.signal(signal.SIGTERM)
    try:
        _until(lambda: not server.alive() or None, STOP_SECONDS)
    except WaitTimeoutError:
        server.signal(signal.SIGKILL)
        wait_until(lambda: not server.alive() or None, what="the local AWS's end", timeout=STOP_SECONDS)


def _until(look: Callable[[], bool | None], timeout: float = START_SECONDS) -> bool:
    """Wait until `look` gives an answer. Raises WaitTimeoutError after `timeout` seconds."""
    return wait_until(look, what="the local AWS", timeout=timeout, first_pause=0.1, longest_pause=0.5)


def _did_not_start(checkout: Checkout, why: str) -> LocalAwsError:
    return LocalAwsError(
        "the local AWS did not start",
        why=why,
        next_step=f"read {log_file(checkout)}, then run `python -m pipeline local up` again",
        details=docker_engine.last_lines(log_file(checkout), 15),
    )


def find(checkout: Checkout) -> process.Process | None:
    """The server process of this checkout, also when the file that remembers its pid was deleted."""
    server = process.remembered(pid_file(checkout))
    if server is not None and server.alive():
        return server
    return process.by_command(MODULE, str(checkout.state_directory))


def healthy(checkout: Checkout) -> bool:
    """Whether the server answers within two seconds."""
    try:
        return requests.get(f"{checkout.endpoint_url}/_ministack/health", timeout=2).ok
    except requests.RequestException:
        return False


def pid_file(checkout: Checkout) -> Path:
    return checkout.state_directory / "server.json"


def log_file(checkout: Checkout) -> Path:
    return checkout.state_directory / "local.log"
