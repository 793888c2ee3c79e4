"""A graph runs each node as soon as its inputs exist; a failure stops only what depends on it."""

import functools
import threading
from collections.abc import Callable, Mapping

import pytest

from pipeline.graph import runner
from pipeline.graph.runner import Ending, Outcome, Result


class Watcher:
    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, name: str) -> None:
        self.told.append(f"start {name}")

    def ended(self, outcome: Outcome) -> None:
        self.told.append(f"{outcome.ending.value} {outcome.name}")


def needs(**given: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in given.items()}


def run(
    needs: Mapping[str, frozenset[str]],
    work: Callable[[str, Mapping[str, Mapping[str, str]]], Result],
    watcher: Watcher,
) -> dict[str, Outcome]:
    return runner.run(needs, {name: functools.partial(work, name) for name in needs}, watcher)


def test_a_node_is_given_the_outputs_of_what_it_needs() -> None:
    def work(name: str, outputs: Mapping[str, Mapping[str, str]]) -> Result:
        return Result("created", {"From": name, "Saw": ",".join(sorted(outputs))})

    outcomes = run(needs(a="", b="a", c="a b"), work, Watcher())

    assert outcomes["c"].result is not None
    assert {"From": "c", "Saw": "a,b"} == outcomes["c"].result.outputs


def test_siblings_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)

    def work(_: str, __: Mapping[str, Mapping[str, str]]) -> Result:
        both.wait()
        return Result("created")

    outcomes = run(needs(a="", b=""), work, Watcher())

    assert [Ending.DONE, Ending.DONE] == [o.ending for o in outcomes.values()]


def test_a_failed_node_stops_its_dependents_and_its_siblings_finish() -> None:
    failed = threading.Event()

    def work(name: str, _: Mapping[str, Mapping[str, str]]) -> Result:
        if name == "bad":
            failed.set()
            raise RuntimeError("broken")
        assert failed.wait(30)
        return Result("created")

    watcher = Watcher()
    outcomes = run(needs(bad="", sibling="", after="bad", later="after sibling"), work, watcher)

    assert {
        "bad": Ending.FAILED,
        "sibling": Ending.DONE,
        "after": Ending.NOT_STARTED,
        "later": Ending.NOT_STARTED,
    } == {name: o.ending for name, o in outcomes.items()}
    assert "broken" == str(outcomes["bad"].error)
    assert "start after" not in watcher.told


def test_a_node_starts_while_an_unrelated_one_still_runs() -> None:
    end_slow = threading.Event()

    def work(name: str, _: Mapping[str, Mapping[str, str]]) -> Result:
        if name == "slow":
            assert end_slow.wait(30)
        if name == "second":
            end_slow.set()
        return Result("created")

    outcomes = run(needs(slow="", first="", second="first"), work, Watcher())

    assert outcomes["second"].started <= outcomes["slow"].ended


def test_ctrl_c_passes_through_and_starts_nothing_more() -> None:
    class Interrupting(Watcher):
        def ended(self, outcome: Outcome) -> None:
            raise KeyboardInterrupt

    watcher = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        run(needs(a="", b="a"), lambda _, __: Result("created"), watcher)

    assert ["start a"] == watcher.told


def outcome(
    name: str, started: float, ended: float, needed: str = "", ending: Ending = Ending.DONE
) -> Outcome:
    return Outcome(name, ending, frozenset(needed.split()), started, ended)


def test_the_critical_path_goes_back_from_the_last_by_what_was_waited_for() -> None:
    outcomes = {
        "ecr": outcome("ecr", 0, 1),
        "image": outcome("image", 1, 5, "ecr"),
        "vpc": outcome("vpc", 0, 2),
        "rds": outcome("rds", 2, 9, "vpc"),
        "app": outcome("app", 9, 12, "image rds vpc"),
    }

    assert ["vpc", "rds", "app"] == [o.name for o in runner.critical_path(outcomes)]


def test_what_never_started_is_not_on_the_critical_path() -> None:
    outcomes = {
        "bad": outcome("bad", 0, 3, ending=Ending.FAILED),
        "after": outcome("after", 3, 3, "bad", Ending.NOT_STARTED),
    }

    assert ["bad"] == [o.name for o in runner.critical_path(outcomes)]


def test_nothing_has_an_empty_critical_path() -> None:
    assert [] == runner.critical_path({})
