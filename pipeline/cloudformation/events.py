"""A stack's events: those that are new, and the first one that failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError


class Events(Protocol):
    """What reading events asks of CloudFormation."""

    def describe_stack_events(self, **request: Any) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Event:
    """One stack event. `time` is AWS's."""

    event_id: str
    stack_id: str
    time: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    of_the_stack: bool

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def cancelled(self) -> bool:
        """It failed only because something else had failed before."""
        return "cancelled" in self.reason.lower()


class EventStream:
    """The events of one stack from a point on. AWS lists them newest first, in pages."""

    def __init__(self, cloudformation: Events, stack_id: str) -> None:
        self._cloudformation = cloudformation
        self._stack_id = stack_id
        self._known: set[str] = set()
        self.seen: list[Event] = []

    def skip_past(self) -> None:
        """What has happened up to now belongs to an earlier run. One page is enough: it holds the newest."""
        answer = self._page(StackName=self._stack_id)
        self._known.update(event["EventId"] for event in answer["StackEvents"])

    def new(self) -> list[Event]:
        """Events not given before, oldest first."""
        fresh: list[Event] = []
        request: dict[str, Any] = {"StackName": self._stack_id}
        while True:
            answer = self._page(**request)
            page = [e for e in answer["StackEvents"] if e["EventId"] not in self._known]
            fresh.extend(_event(e) for e in page)
            if len(page) < len(answer["StackEvents"]) or "NextToken" not in answer:
                break
            request["NextToken"] = answer["NextToken"]
        fresh.reverse()
        self._known.update(event.event_id for event in fresh)
        self.seen.extend(fresh)
        return fresh

    def _page(self, **request: Any) -> dict[str, Any]:
        """A page of events; none where the stack went meanwhile, so that what was seen before stays told."""
        try:
            return self._cloudformation.describe_stack_events(**request)
        except ClientError as error:
            if does_not_exist(error):
                return {"StackEvents": []}
            raise


def does_not_exist(error: ClientError) -> bool:
    """Whether CloudFormation says that there is no such stack."""
    return error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error)


def causes(events: Iterable[Event]) -> list[Event]:
    """The failures that are causes, one per resource, the first one first: not of the stack itself, and no
    cancellation beside another failure.
    """
    failed = [event for event in events if event.failed and not event.of_the_stack]
    found: dict[str, Event] = {}
    for event in sorted([event for event in failed if not event.cancelled] or failed, key=lambda e: e.time):
        found.setdefault(event.logical_id, event)
    return list(found.values())


def first_cause(events: Iterable[Event]) -> Event | None:
    """The first failure that is a cause."""
    return next(iter(causes(events)), None)


def _event(raw: Mapping[str, Any]) -> Event:
    return Event(
        event_id=raw["EventId"],
        stack_id=raw["StackId"],
        time=raw["Timestamp"],
        logical_id=raw.get("LogicalResourceId", ""),
        physical_id=raw.get("PhysicalResourceId", ""),
        type=raw.get("ResourceType", ""),
        status=raw.get("ResourceStatus", ""),
        reason=raw.get("ResourceStatusReason", ""),
        of_the_stack=raw.get("PhysicalResourceId") == raw["StackId"],
    )
