"""One deploy at a time per environment; a dead one's lock is taken over, a live one's is waited for."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from pipeline.aws import lock
from pipeline.errors import BusyError
from tests.support.fakes import FakeSsm, Time, client_error

NAME = lock.parameter_name("orders", "dev")
OTHER = lock.Owner("other", "ada", "laptop", "deploy dev", "2026-11-23T12:00:00Z", "boot ns 1 2")
MINE = lock.Owner("mine", "me", "here", "deploy dev", "2026-11-23T12:00:00Z", "")


def hold(
    ssm: FakeSsm,
    owner: lock.Owner = MINE,
    *,
    said: list[str] | None = None,
    sleep: Callable[[float], None] = lambda _: None,
    dead: bool = False,
) -> list[str]:
    """Hold the lock once and tell the owners seen while it was held."""
    log = (said if said is not None else []).append
    with lock.held(ssm, NAME, owner, log, sleep=sleep, is_dead=lambda _: dead):
        return list(ssm.values)


def test_the_lock_is_held_during_the_block_and_gone_afterwards() -> None:
    ssm = FakeSsm()

    assert [NAME] == hold(ssm)
    assert {} == ssm.values


def test_it_is_released_when_the_block_fails() -> None:
    ssm = FakeSsm()

    with pytest.raises(KeyboardInterrupt), lock.held(ssm, NAME, MINE, print):
        raise KeyboardInterrupt

    assert {} == ssm.values


def test_a_second_deploy_is_refused_with_who_where_and_since_when() -> None:
    ssm = FakeSsm()
    lock._create(ssm, NAME, OTHER)
    ssm.now += timedelta(seconds=299)

    with pytest.raises(BusyError) as busy:
        hold(ssm)

    assert "ada on laptop is in the middle of `deploy dev`, since 2026-11-23T12:00:00Z" == busy.value.what
    assert [NAME] == list(ssm.values)


def test_a_lock_without_a_sign_of_life_for_five_minutes_is_taken_over_with_a_line() -> None:
    ssm = FakeSsm()
    lock._create(ssm, NAME, OTHER)
    ssm.now += timedelta(seconds=300)
    said: list[str] = []

    hold(ssm, said=said)

    assert ["taking over from `deploy dev` by ada on laptop: no sign of its process for 300 s"] == said


def test_a_process_that_died_on_this_machine_is_taken_over_at_once() -> None:
    ssm = FakeSsm()
    lock._create(ssm, NAME, OTHER)

    assert [NAME] == hold(ssm, dead=True)


def test_of_two_that_take_over_at_once_only_one_goes_on() -> None:
    ssm = FakeSsm()
    lock._create(ssm, NAME, OTHER)

    def the_other_wins(_: float) -> None:
        del ssm.values[NAME]
        lock._create(ssm, NAME, dataclasses.replace(OTHER, token="third"))

    with pytest.raises(BusyError):
        hold(ssm, dead=True, sleep=the_other_wins)

    assert [NAME] == list(ssm.values)


def test_who_takes_over_and_finds_that_the_other_has_deleted_it_already_goes_on() -> None:
    class DeletedMeanwhile(FakeSsm):
        def delete_parameter(self, **request: Any) -> dict[str, Any]:
            self.values.pop(request["Name"], None)
            return super().delete_parameter(**request)

    ssm = DeletedMeanwhile()
    lock._create(ssm, NAME, OTHER)

    assert [NAME] == hold(ssm, dead=True)


def test_of_two_that_write_at_the_same_moment_the_refused_one_is_told_to_wait() -> None:
    class Contended(FakeSsm):
        def put_parameter(self, **_: Any) -> dict[str, Any]:
            raise client_error("PutParameter", "TooManyUpdates", "There are concurrent updates")

    with pytest.raises(BusyError, match="another deploy took this environment at the same moment"):
        hold(Contended())


def test_a_request_whose_answer_was_lost_is_sent_again_and_has_the_lock() -> None:
    class SentTwice(FakeSsm):
        def put_parameter(self, **request: Any) -> dict[str, Any]:
            super().put_parameter(**request)
            return super().put_parameter(**request)

    ssm = SentTwice()

    assert [NAME] == hold(ssm)
    assert {} == ssm.values


def test_a_lock_that_was_lost_is_not_released_for_its_new_owner() -> None:
    ssm = FakeSsm()
    with lock.held(ssm, NAME, MINE, print):
        del ssm.values[NAME]
        lock._create(ssm, NAME, OTHER)

    assert [NAME] == list(ssm.values)


def test_a_lock_that_does_not_parse_is_respected_until_it_is_stale() -> None:
    ssm = FakeSsm()
    ssm.put_parameter(Name=NAME, Value="?", Type="String", Overwrite=False)

    with pytest.raises(BusyError):
        hold(ssm)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's start time through /proc")
def test_this_process_lives_and_one_that_ended_does_not() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        identity = lock._process(child.pid)
        alive = lock._is_dead_here(identity)
        child.kill()
    boot, namespace, _, _ = lock._process(1).split() if lock._process(1) else ("", "", "", "")

    assert not alive
    assert lock._is_dead_here(identity)
    assert not lock._is_dead_here(f"another-boot {namespace} 1 1")
    assert not lock._is_dead_here("")
    assert boot


def test_in_github_actions_the_owner_is_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_ACTOR": "ada",
    }.items():
        monkeypatch.setenv(name, value)

    assert "ada in https://github.com/o/r/actions/runs/42" == lock.myself("deploy dev").who


class Turn:
    """A lock that is somebody else's for so many tries."""

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
    turn, said = Turn(3), list[str]()
    with lock.wait_for(turn.take, said.append, Time().wait, 5400):
        turn.log.append("at work")

    assert ["ada is in the middle of `deploy dev`: waiting for its end, at most 90 minutes"] == said
    assert ["taken", "at work", "given back"] == turn.log


def test_it_is_given_back_when_the_block_fails() -> None:
    turn = Turn(0)
    with pytest.raises(KeyboardInterrupt), lock.wait_for(turn.take, print, Time().wait, 0):
        raise KeyboardInterrupt

    assert ["taken", "given back"] == turn.log


def test_without_patience_the_second_is_refused_at_once() -> None:
    time, said = Time(), list[str]()
    with pytest.raises(BusyError), lock.wait_for(Turn(1).take, said.append, time.wait, 0):
        pytest.fail("it has what somebody else holds")

    assert 0 == time.now
    assert [] == said


def test_when_patience_is_over_the_second_is_told_who_still_has_it() -> None:
    time = Time()
    with pytest.raises(BusyError) as busy, lock.wait_for(Turn(10_000).take, print, time.wait, 60):
        pytest.fail("it has what somebody else holds")

    assert "ada is in the middle of `deploy dev`" == busy.value.what
    assert 60 <= time.now < 61
