"""Docker's credential helper (credsStore, credHelpers), which the Docker SDK asks to pull and to build."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import DockerError


@contextmanager
def failures_told() -> Iterator[None]:
    """Raises DockerError, with the file to mend, where the credential helper is not installed or fails."""
    from docker.credentials.errors import StoreError
    from docker.utils.config import find_config_file

    try:
        yield
    except Exception as error:
        # The SDK wraps a StoreError when it pulls, and raises a StoreError when it builds.
        failure = error if isinstance(error, StoreError) else error.__cause__
        if not isinstance(failure, StoreError):
            raise
        raise DockerError(
            "Docker's credential helper gives no credentials",
            why=str(failure),
            next_step="install that helper, or take credsStore and credHelpers out of "
            f"{find_config_file() or '~/.docker/config.json'}",
        ) from error
