"""Every error a user can meet: what happened, why, what to do next, and its exit code.

Anything else that reaches the edge is a bug in Slipway and exits with 70. docs/exit-codes.md lists the codes;
a test compares that page with these classes.
"""

import traceback
from collections.abc import Sequence
from typing import ClassVar


class SlipwayError(Exception):
    """Base of all errors that `python -m pipeline` prints.

    what: one sentence, what happened.
    why: the cause in one sentence, AWS's own words where there are any.
    next_step: what to do now, one line, with the command where there is one.
    details: further lines shown below (events, the container's last log lines).
    where: the file and line to look at, `infra/ecs-stack.yaml:210`, for an annotation in CI.
    also: what else failed at the same time, each as (where, what AWS said of it).
    """

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        next_step: str = "",
        details: Sequence[str] = (),
        where: str = "",
        also: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(what if not why else f"{what}: {why}")
        self.what = what
        self.why = why
        self.next_step = next_step
        self.details = tuple(details)
        self.where = where
        self.also = tuple(also)


def fault_of_ours(error: Exception) -> SlipwayError:
    """An error that no user can mend, with its traceback to report."""
    return SlipwayError(
        "this is a fault in Slipway itself",
        why=f"{type(error).__name__}: {error}",
        next_step="please report it with the lines above; the same command may be run again",
        details="".join(traceback.format_exception(error)).splitlines(),
    )


class UsageError(SlipwayError):
    """The command line, the project's settings or a confirmation is wrong; nothing was touched."""

    exit_code = 2


class EnvironmentFileError(SlipwayError):
    """An environment file is missing or does not hold together; all its faults are in `details`."""

    exit_code = 3


class TemplateError(SlipwayError):
    """A template does not parse, or the templates do not fit together (unfilled parameter, cycle, output)."""

    exit_code = 4


class CredentialsError(SlipwayError):
    """AWS credentials are missing, expired or not allowed to do this."""

    exit_code = 5


class WrongAccountError(SlipwayError):
    """The credentials belong to another account or partition than the environment file names."""

    exit_code = 6


class AwsUnreachableError(SlipwayError):
    """No answer from AWS (or the local AWS) at the endpoint."""

    exit_code = 7


class DockerError(SlipwayError):
    """The Docker engine is missing, unreachable or out of disk."""

    exit_code = 8


def full_disk(*words: str) -> DockerError | None:
    """A DockerError where Docker, a build step or the kernel says that the disk is full, else None."""
    told = [word for word in words if "no space left on device" in word.lower()]
    if not told:
        return None
    return DockerError(
        "the disk is full",
        why=told[0].strip(),
        next_step="free some space (docker system prune) and run the same command again",
    )


class ImageError(SlipwayError):
    """The image could not be built, pushed or found."""

    exit_code = 9


class StackFailedError(SlipwayError):
    """A stack ended in a failed or rolled-back state; a rollback is always a failure."""

    exit_code = 10


class StackStuckError(SlipwayError):
    """A stack is in a state only a person can resolve (UPDATE_ROLLBACK_FAILED, DELETE_FAILED, ...)."""

    exit_code = 11


class BusyError(SlipwayError):
    """Another command holds this environment, or the local AWS of this checkout."""

    exit_code = 12


class WaitTimeoutError(SlipwayError):
    """A wait ended without an answer; a second run carries on."""

    exit_code = 13


class SmokeFailedError(SlipwayError):
    """The service answered, but not as a healthy release should."""

    exit_code = 14


class ProtectedError(SlipwayError):
    """The environment is protected, its name was not confirmed, or a stack is somebody else's."""

    exit_code = 15


class PortInUseError(SlipwayError):
    """A port is taken that the local AWS, or something deployed there, needs."""

    exit_code = 16


class LocalAwsError(SlipwayError):
    """The local AWS did not start, is not running, or could not be cleaned up."""

    exit_code = 17


class AwsRefusedError(SlipwayError):
    """AWS refused a call for a reason that has no error class of its own."""

    exit_code = 18


class RolloutFailedError(SlipwayError):
    """ECS rolled a rollout back: the version before serves again."""

    exit_code = 19


class RolloutRefusedError(SlipwayError):
    """A release was not begun: an alarm is in ALARM, or an update would move production's traffic."""

    exit_code = 20


class DriftError(SlipwayError):
    """Resources differ from the templates: somebody changed them past CloudFormation."""

    exit_code = 21


class DataLossError(SlipwayError):
    """A release would replace or remove a resource that holds data, and nobody named the resource."""

    exit_code = 22


class GitHubError(SlipwayError):
    """GitHub's API refused or did not answer."""

    exit_code = 23


class MissingInputError(SlipwayError):
    """A parameter in SSM that a template names is not there: it is gone, or nobody declared it."""

    exit_code = 24


class InterruptedBySignalError(SlipwayError):
    """Ctrl-C or SIGTERM. What AWS was asked for goes on there, and a second run carries on."""

    exit_code = 130
