"""Whoever comes second waits for its turn, says for whom, and is refused only in the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.aws.lock import wait_for
from pipeline.errors import BusyError
from tests.support.fakes import Time


class Lock:
    """Somebody else's for so many tries."""

    def __init__(self, tries: int) -> None:
        self.tries, self.log = tries, list[str]()

    @contextmanager
    def take(self) -> Iterator[None]:
        self.tries -= 1
        if self.tries >= 0:
            raise BusyError("ada is in the middle of `deploy dev`", next_step="wait")
        self.log.append("taken")
        try:
            yield
        finally:
            self.log.append("given back")


def test_the_second_waits_says_for_whom_once_and_then_has_it_for_the_block() -> None:
    lock, said = Lock(3), list[str]()
    with wait_for(lock.take, said.append, Time().wait, 5400):
        lock.log.append("at work")

    assert ["ada is in the middle of `deploy dev`: waiting for its end, at most 90 minutes"] == said
    assert ["taken", "at work", "given back"] == lock.log


def test_it_is_given_back_when_the_block_fails() -> None:
    lock = Lock(0)
    with pytest.raises(KeyboardInterrupt), wait_for(lock.take, print, Time().wait, 0):
        raise KeyboardInterrupt

    assert ["taken", "given back"] == lock.log


def test_without_patience_the_second_is_refused_at_once() -> None:
    time, said = Time(), list[str]()
    with pytest.raises(BusyError), wait_for(Lock(1).take, said.append, time.wait, 0):
        pytest.fail("it has what somebody else holds")

    assert 0 == time.now
    assert [] == said


def test_when_patience_is_over_the_second_is_told_who_still_has_it() -> None:
    time = Time()
    with pytest.raises(BusyError) as busy, wait_for(Lock(10_000).take, print, time.wait, 60):
        pytest.fail("it has what somebody else holds")

    assert "ada is in the middle of `deploy dev`" == busy.value.what
    assert 60 <= time.now < 61
