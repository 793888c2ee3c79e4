"""One's turn at a lock: waited for, with one line about who has it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from pipeline.errors import BusyError, WaitTimeoutError


@contextmanager
def awaited(
    take: Callable[[], AbstractContextManager[None]],
    say: Callable[[str], None],
    wait: Callable[..., Any],
    patience: float,
) -> Iterator[None]:
    """Hold what `take` gives for the block, trying again for `patience` seconds while it raises BusyError.

    Raises the last BusyError once they are over.
    """
    with ExitStack() as held:
        busy: list[BusyError] = []

        def probe() -> bool | None:
            try:
                held.enter_context(take())
            except BusyError as error:
                if patience and not busy:
                    say(f"{error.what}: waiting for its end, at most {patience / 60:g} minutes")
                busy.append(error)
                return None
            return True

        try:
            wait(probe, what="another deploy", timeout=patience)
        except WaitTimeoutError:
            raise busy[-1] from None
        yield
