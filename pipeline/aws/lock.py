"""One deploy at a time per environment: a lock in AWS that names its owner and expires when its owner dies.

The lock is an SSM parameter made with Overwrite=False: of two runs that make the parameter, SSM refuses one.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
The owner writes the parameter again every minute. A lock that was not written for five minutes belongs to a
dead runner, and the next run takes it over. AWS's clock alone measures ages. An owner that died on this
machine, in this pid namespace, is recognised at once.
"""

import getpass
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws.errors import Tolerated
from pipeline.errors import BusyError, WaitTimeoutError
from pipeline.waiting import Wait

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

STALE_AFTER = 300.0
BEAT_EVERY = 60.0
SETTLE = 2.0
"""Seconds."""


@dataclass(frozen=True)
class Owner:
    """Who holds the lock. process: names the process on its machine, across reboots; "" where unknown."""

    token: str
    who: str
    host: str
    doing: str
    since: str
    process: str


def parameter_name(service: str, environment: str) -> str:
    """The name of the SSM parameter that is an environment's lock."""
    return f"/slipway/{service}/{environment}/lock"


def person() -> str:
    """Who runs this: in GitHub Actions whoever began the run or ran it again, else the user."""
    named = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR")
    return named if named and run_url() else _user()


def run_url() -> str:
    """The address of the workflow run in GitHub Actions, else ""."""
    run = os.environ.get("GITHUB_RUN_ID")
    server, repository = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}/actions/runs/{run}" if run else ""


def holder(ssm: "SSMClient", name: str) -> str | None:
    """The token of the run that is at work, None where nobody holds the lock or its owner has died."""
    owner, age = _read(ssm, name)
    if owner is None or age >= STALE_AFTER or _is_dead_here(owner.process):
        return None
    return owner.token


def myself(doing: str) -> Owner:
    """This process as an owner; in GitHub Actions with the address of the workflow run."""
    run = run_url()
    who = f"{person()} in {run}" if run else person()
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Owner(uuid.uuid4().hex, who, socket.gethostname(), doing, since, _process(os.getpid()))


@contextmanager
def held(
    ssm: "SSMClient",
    name: str,
    owner: Owner,
    log: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    is_dead: Callable[[str], bool] | None = None,
) -> Iterator[None]:
    """Hold the lock for the block. Raises BusyError where another process holds the lock."""
    _acquire(ssm, name, owner, log, sleep, is_dead or _is_dead_here)
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(ssm, name, owner, stop), name="lock", daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join(timeout=5)
        _release(ssm, name, owner)


@contextmanager
def wait_for(
    take: Callable[[], AbstractContextManager[None]], log: Callable[[str], None], wait: Wait, patience: float
) -> Iterator[None]:
    """Hold what `take` gives for the block. While `take` raises BusyError, try again for `patience` seconds.

    Raises the last BusyError after that.
    """
    with ExitStack() as held:
        busy: list[BusyError] = []

        def probe() -> bool | None:
            try:
                held.enter_context(take())
            except BusyError as error:
                if patience and not busy:
                    log(f"{error.what}: waiting for its end, at most {patience / 60:g} minutes")
                busy.append(error)
                return None
            return True

        try:
            wait(probe, what="another deploy", timeout=patience)
        except WaitTimeoutError:
            raise busy[-1] from None
        yield


def _acquire(
    ssm: "SSMClient",
    name: str,
    owner: Owner,
    log: Callable[[str], None],
    sleep: Callable[[float], None],
    is_dead: Callable[[str], bool],
) -> None:
    if _create(ssm, name, owner):
        return
    other, age = _read(ssm, name)
    if other is not None and other.token == owner.token:
        return  # the answer to the first request was lost, and botocore sent the request again
    if other is not None:
        dead = is_dead(other.process)
        if not dead and age < STALE_AFTER:
            raise BusyError(
                f"{other.who} on {other.host} is in the middle of `{other.doing}`, since {other.since}",
                why="one deploy at a time per environment",
                next_step="wait for it to end and run the command again; if its machine died, the lock "
                f"ends by itself within {STALE_AFTER / 60:.0f} minutes",
            )
        reason = "its process is gone" if dead else f"no sign of its process for {age:.0f} s"
        log(f"taking over from `{other.doing}` by {other.who} on {other.host}: {reason}")
        _delete(ssm, name)
    if not _create(ssm, name, owner):
        raise _lost()
    if other is not None:
        # Of two runs that saw one stale lock, the slower may delete the lock that the quicker has made.
        sleep(SETTLE)
        now, _ = _read(ssm, name)
        if now is None or now.token != owner.token:
            raise _lost()


def _create(ssm: "SSMClient", name: str, owner: Owner) -> bool:
    with Tolerated("ParameterAlreadyExists", "TooManyUpdates"):
        ssm.put_parameter(Name=name, Value=_value(owner), Type="String", Overwrite=False)
        return True
    return False


def _delete(ssm: "SSMClient", name: str) -> None:
    with Tolerated("ParameterNotFound"):  # another run took the lock over
        ssm.delete_parameter(Name=name)


def _read(ssm: "SSMClient", name: str) -> tuple[Owner | None, float]:
    """The owner, and the seconds since the owner last wrote the parameter, by AWS's clock."""
    try:
        answer = ssm.get_parameter(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None, 0.0
        raise
    written = answer["Parameter"]["LastModifiedDate"]
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    try:
        owner = Owner(**json.loads(answer["Parameter"]["Value"]))
    except (ValueError, TypeError):
        owner = Owner("", "somebody", "an unknown machine", "unknown", "unknown", "")
    return owner, (now - written).total_seconds()


def _beat(ssm: "SSMClient", name: str, owner: Owner, stop: threading.Event) -> None:
    while not stop.wait(BEAT_EVERY):
        try:
            current, _ = _read(ssm, name)
            if current is not None and current.token == owner.token:
                ssm.put_parameter(Name=name, Value=_value(owner), Type="String", Overwrite=True)
        except (BotoCoreError, ClientError):
            continue  # the lock is lost only when five writes in a row fail


def _release(ssm: "SSMClient", name: str, owner: Owner) -> None:
    try:
        current, _ = _read(ssm, name)
        if current is not None and current.token == owner.token:
            ssm.delete_parameter(Name=name)
    except (BotoCoreError, ClientError):
        return  # the lock expires by itself; the outcome of the deploy matters more


def _lost() -> BusyError:
    return BusyError(
        "another deploy took this environment at the same moment",
        next_step="wait for it to end and run the command again",
    )


def _value(owner: Owner) -> str:
    return json.dumps(asdict(owner), separators=(",", ":"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in some containers the user id has no name
        return f"uid {os.getuid()}"


def _process(pid: int) -> str:
    """Boot id, pid namespace, pid and start time, which no two processes share. Empty off Linux."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        started = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot} {namespace} {pid} {started}"


def _is_dead_here(process: str) -> bool:
    """Whether `process` ran on this machine, in this pid namespace, and has ended."""
    mine = _process(os.getpid()).split()
    theirs = process.split()
    if len(mine) != 4 or len(theirs) != 4 or mine[:2] != theirs[:2]:
        return False
    return _process(int(theirs[2])) != process
