"""What a plan's change sets make is taken away again, Ctrl-C or not."""

import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InterruptedBySignalError
from pipeline.inspect import plan
from pipeline.inspect.plan_change_sets import PlanChangeSets
from tests.support.fakes import Audience, client_error
from tests.support.small_project import World, world

LOCK = "/slipway/orders/dev/lock"


class Interrupted(Audience):
    """Ctrl-C comes while the first node's end is told."""

    def ended(self, outcome: Any) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def here(tmp_path: Path) -> World:
    return world(tmp_path)


def left_in(here: World) -> list[str]:
    return [
        s["StackName"] for s in here.cloudformation.stacks.values() if s["StackStatus"] != "DELETE_COMPLETE"
    ]


class Held:
    """A call about the network's stack that does not come back before the test ends; others wait for it."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.begun, self.let_go, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, **request: Any) -> Any:
        if "orders-dev-vpc" not in request["StackName"]:
            self.begun.wait(10)
            return self.call(**request)
        self.begun.set()
        self.let_go.wait(10)
        answer = self.call(**request)
        self.done.set()
        return answer


def test_ctrl_c_takes_away_the_stacks_in_review_before_the_lock_is_released(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(here.cloudformation.describe_change_set)
    monkeypatch.setattr(here.cloudformation, "describe_change_set", held)
    shipped, locked = here.cloudformation.delete_stack, list[bool]()

    def delete_stack(**request: Any) -> Any:
        locked.append(LOCK in here.ssm.values)
        return shipped(**request)

    monkeypatch.setattr(here.cloudformation, "delete_stack", delete_stack)

    with pytest.raises(KeyboardInterrupt):
        plan.make(here.context, Interrupted())
    left = left_in(here)
    held.let_go.set()

    assert [] == left
    assert [True, True] == locked
    assert {} == here.ssm.values


def test_a_change_set_that_was_just_being_asked_for_is_waited_for(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(here.cloudformation.create_change_set)
    monkeypatch.setattr(here.cloudformation, "create_change_set", held)

    def asked_meanwhile(seconds: float) -> None:
        here.time.sleep(seconds)
        if threading.current_thread() is threading.main_thread():
            held.let_go.set()
            held.done.wait(10)

    object.__setattr__(here.context, "sleep", asked_meanwhile)

    with pytest.raises(KeyboardInterrupt):
        plan.make(here.context, Interrupted())
    log = list(here.cloudformation.log)
    held.let_go.set()

    assert "delete orders-dev-vpc" in log


def test_nothing_is_begun_once_it_was_interrupted(here: World) -> None:
    change_sets = PlanChangeSets(here.context)
    spec = here.context.spec(here.context.stacks["vpc"], {"EnvironmentName": "dev"})
    change_sets.clear_up()

    with pytest.raises(InterruptedBySignalError):
        change_sets.of(spec, None, print)

    assert [] == here.cloudformation.log


def test_what_can_not_be_taken_away_is_told_and_the_interruption_stands(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(here.cloudformation.describe_change_set)
    monkeypatch.setattr(here.cloudformation, "describe_change_set", held)

    def unwilling(**_: Any) -> None:
        raise client_error("ListChangeSets", "InternalFailure", "not now")

    audience = Interrupted()
    monkeypatch.setattr(audience, "ended", lambda _: refuse_and_interrupt())

    def refuse_and_interrupt() -> None:
        monkeypatch.setattr(here.cloudformation, "list_change_sets", unwilling)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan.make(here.context, audience)
    held.let_go.set()

    assert any("orders-dev-vpc may be left behind, empty" in line for line in audience.lines)
