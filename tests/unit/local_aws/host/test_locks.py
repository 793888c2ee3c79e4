import tempfile

import pytest

from local_aws.checkout import Checkout
from local_aws.host import locks
from local_aws.host.locks import alone_in, alone_on_this_machine
from pipeline.errors import BusyError


@pytest.fixture(params=["checkout", "machine"])
def alone(request, tmp_path, monkeypatch):
    """Either lock, as a function of `log`; who waits for it waits no longer than one look."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0)
    monkeypatch.setattr(locks, "MACHINE_WAIT_SECONDS", 0)
    if request.param == "checkout":
        return lambda log: alone_in(Checkout(tmp_path), log)
    return lambda log: alone_on_this_machine("start", log)


def test_who_finds_a_lock_held_says_for_whom_it_waits_and_gives_up_in_the_end(alone):
    said = []
    with alone(print), pytest.raises(BusyError) as raised, alone(said.append):
        pass

    assert ["is at work; waiting for it"] == [line[line.index("is at") :] for line in said]
    assert "lock" in raised.value.why
    assert "end it" in raised.value.next_step


def test_a_lock_is_free_again_after_its_holder(alone):
    said = []
    with alone(said.append):
        pass
    with alone(said.append):
        pass

    assert [] == said


def test_two_purposes_do_not_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(locks, "MACHINE_WAIT_SECONDS", 0)

    with alone_on_this_machine("start", print), alone_on_this_machine("base-images", print):
        pass
