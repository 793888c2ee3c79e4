"""Hooks into CloudWatch: the evaluation of alarms and their history."""

from collections.abc import Callable
from typing import Any

from local_aws.emulator import internals
from local_aws.emulator.records import Record


def evaluate_only(wanted: Callable[[Record], bool]) -> None:
    """Let MiniStack evaluate only the alarms for which `wanted` is true."""

    def wrap(shipped: Callable[[Record], None]) -> Callable[[Record], None]:
        return lambda alarm: shipped(alarm) if wanted(alarm) else None

    internals.replace("cloudwatch", "_evaluate_alarm", wrap)


def on_state_change(hook: Callable[[str], None]) -> None:
    """Run hook(the alarm's name) whenever an alarm changes its state."""

    def wrap(shipped: Callable[..., None]) -> Callable[..., None]:
        def take_down(name: str, *change: Any, **more: Any) -> None:
            hook(name)
            shipped(name, *change, **more)

        return take_down

    internals.replace("cloudwatch", "_record_history", wrap)


def state_changed(alarm: Record, before: str) -> None:
    """Record an alarm's new state in its history, and evaluate the composite alarms that name the alarm."""
    internals.get("cloudwatch", "_record_history")(
        alarm["AlarmName"], before, alarm["StateValue"], alarm["StateReason"]
    )
    internals.get("cloudwatch", "_evaluate_parent_alarms")(alarm)
