"""The Docker engine: found, else started, and installed first where that is possible.

Only this module starts dockerd. In a plain virtual machine nothing keeps dockerd running, and a killed
dockerd leaves a pid file behind, which keeps the next dockerd from starting.
https://docs.docker.com/engine/install/
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import psutil
from docker.errors import DockerException

from local_aws.host.distribution import available_packages, install_packages, this_distribution
from pipeline.errors import DockerError, WaitTimeoutError
from pipeline.waiting import wait_until

PID_FILE = Path("/var/run/docker.pid")
LOG_FILE = Path("/var/log/slipway-dockerd.log")
SOCKET = Path("/var/run/docker.sock")
START_SECONDS = 60


def connect() -> docker.DockerClient:
    """A client of the Docker engine. Raises DockerError, in one line, when no engine answers."""
    try:
        client = docker.from_env()
        client.ping()
    except (DockerException, OSError) as error:
        raise _unreachable(error) from error
    return client


def ensure_engine(log: Callable[[str], None]) -> docker.DockerClient:
    """A client of the Docker engine, which is installed and started first when no engine answers.

    Raises DockerError: not Debian or Ubuntu, not root, no access to the socket, or dockerd does not start.
    """
    try:
        return connect()
    except DockerError as error:
        if os.environ.get("DOCKER_HOST") or "permission" in error.why.lower():
            raise
    return _start(log)


def refuse_out_of_reach(client: docker.DockerClient) -> None:
    """Raise DockerError for an engine whose containers this machine cannot reach by address.

    https://docs.docker.com/desktop/features/networking/
    https://docs.docker.com/engine/security/rootless/troubleshoot/#known-limitations
    """
    told = client.info()
    kind = ""
    if told.get("OperatingSystem") == "Docker Desktop":
        kind = "Docker Desktop"
    elif any(one.startswith("name=rootless") for one in told.get("SecurityOptions") or []):
        kind = "a rootless engine"
    if kind:
        raise DockerError(
            f"the local AWS does not run on {kind}",
            why="its containers have no addresses that this machine reaches",
            next_step="use Docker Engine on Linux (a virtual machine will do): "
            "https://docs.docker.com/engine/install/",
        )


def _start(log: Callable[[str], None]) -> docker.DockerClient:
    if os.geteuid() != 0 or not this_distribution().has_packages:
        raise DockerError(
            "no Docker engine answers",
            why="it can only be started from here as root on Debian or Ubuntu",
            next_step="start it (sudo systemctl start docker), or install it: https://docs.docker.com/engine/install/",
        )
    if shutil.which("dockerd") is None:
        # Since Debian 13 the docker command is a package of its own.
        install_packages(["docker.io", *available_packages(["docker-cli"])], log)
    log("starting the Docker engine")
    if pid_file_is_stale(PID_FILE):
        PID_FILE.unlink(missing_ok=True)
    with LOG_FILE.open("ab") as output:
        dockerd = subprocess.Popen(  # noqa: S603
            [shutil.which("dockerd") or "/usr/sbin/dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def answers() -> docker.DockerClient | None:
        try:
            return connect()
        except DockerError as error:
            # Another command may have started dockerd at the same moment.
            another = PID_FILE.exists() and not pid_file_is_stale(PID_FILE)
            if dockerd.poll() is not None and not another:
                raise DockerError(
                    "the Docker engine ended as soon as it was started",
                    why=error.why,
                    next_step=f"read {LOG_FILE}",
                    details=last_lines(LOG_FILE),
                ) from error
            return None

    try:
        return wait_until(answers, what="starting the Docker engine", timeout=START_SECONDS, longest_pause=1)
    except WaitTimeoutError as error:
        raise DockerError(
            f"the Docker engine did not answer within {START_SECONDS} s",
            next_step=f"read {LOG_FILE}",
            details=last_lines(LOG_FILE),
        ) from error


def pid_file_is_stale(pid_file: Path) -> bool:
    """Whether a pid file names a process that is gone, a zombie, or another program.

    dockerd itself refuses to start in all three cases.
    """
    try:
        named = psutil.Process(int(pid_file.read_text()))
        return named.name() != "dockerd" or named.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except FileNotFoundError:
        return False
    except (ValueError, psutil.NoSuchProcess):
        return True


def last_lines(file: Path, count: int = 8) -> list[str]:
    """The last lines of a log file; empty when there is no such file."""
    try:
        return file.read_text(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _unreachable(error: Exception) -> DockerError:
    why = str(error)
    if "Permission denied" in why or isinstance(error, PermissionError):
        return DockerError(
            "this user may not use the Docker engine",
            why=f"permission denied on {SOCKET}",
            next_step="sudo usermod -aG docker $USER, then log in again",
        )
    return DockerError(
        "no Docker engine answers",
        why=why.splitlines()[0] if why else "",
        next_step="start it (sudo systemctl start docker), or install it: https://docs.docker.com/engine/install/",
    )
