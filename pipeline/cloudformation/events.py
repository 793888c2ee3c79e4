"""A stack's events: those that are new, and the first one that failed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.graph.graph import SERVICE
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef


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
    def of_the_service(self) -> bool:
        """It tells of the stack's ECS service."""
        return self.type == SERVICE

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def cancelled(self) -> bool:
        """It failed only because something else had failed before."""
        return "cancelled" in self.reason.lower()


class EventStream:
    """The events of one stack from a point on. AWS lists them newest first, in pages."""

    def __init__(self, cloudformation: "CloudFormationClient", stack_id: str) -> None:
        self._cloudformation = cloudformation
        self.stack_id = stack_id
        self._known: set[str] = set()
        self.seen: list[Event] = []

    @classmethod
    def from_now(cls, cloudformation: "CloudFormationClient", stack_id: str) -> "EventStream":
        """The events that come from now on: those before belong to an earlier run."""
        stream = cls(cloudformation, stack_id)
        newest = next(stream._pages(), [])  # one page is enough: new() stops at it
        stream._known.update(event["EventId"] for event in newest)
        return stream

    def new(self) -> list[Event]:
        """Events not given before, oldest first."""
        fresh: list[Event] = []
        for page in self._pages():
            unknown = [_event(raw) for raw in page if raw["EventId"] not in self._known]
            fresh.extend(unknown)
            if len(unknown) < len(page):
                break
        fresh.reverse()
        self._known.update(event.event_id for event in fresh)
        self.seen.extend(fresh)
        return fresh

    def log_new(self, template: Template | None, log: Callable[[str], None]) -> None:
        """Log every event that is new; a failed one with AWS's reason and its line in the template."""
        for event in self.new():
            line = f"{event.status:<20} {event.logical_id} ({event.type})"
            if event.failed and event.reason:
                where = f" [{template.where(event.logical_id)}]" if template else ""
                line += f": {event.reason}{where}"
            log(line)

    def _pages(self) -> "Iterator[list[StackEventTypeDef]]":
        """The pages of events, the newest first, each asked for when its turn comes. They end where the stack
        went meanwhile, so that what was seen before stays told.
        """
        try:
            pages = self._cloudformation.get_paginator("describe_stack_events")
            for page in pages.paginate(StackName=self.stack_id):
                yield page["StackEvents"]
        except ClientError as error:
            if not does_not_exist(error):
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


def _event(raw: "StackEventTypeDef") -> Event:
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
