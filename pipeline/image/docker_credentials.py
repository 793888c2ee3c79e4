"""Docker's credential helper (credsStore, credHelpers), which the Docker SDK asks to pull and to build."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import DockerError


@contextmanager
def failures_told() -> Iterator[None]:
    """Raise DockerError with the file to mend where a helper that it names is not there or fails."""
    from docker.credentials.errors import StoreError
    from docker.utils.config import find_config_file

    try:
        yield
    except Exception as error:
        # The SDK wraps it when it pulls, and lets it through when it builds.
        failure = error if isinstance(error, StoreError) else error.__cause__
        if not isinstance(failure, StoreError):
            raise
        raise DockerError(
            "Docker's credential helper gives no credentials",
            why=str(failure),
            next_step="install that program, or take credsStore and credHelpers out of "
            f"{find_config_file() or '~/.docker/config.json'}",
        ) from error
