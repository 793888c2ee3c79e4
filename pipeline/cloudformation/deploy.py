"""Deploy one stack by change set, from whatever state an earlier run left it in."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.aws.retries import DoneBefore
from pipeline.cloudformation import change_set, data_loss, stacks
from pipeline.cloudformation.change_set import Changes, NoChanges, ResourceChange, StackSpec
from pipeline.cloudformation.data_loss import Named
from pipeline.cloudformation.events import Event, EventStream, causes, first_cause
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.cloudformation.stacks import Log, StackDescription
from pipeline.cloudformation.status import StackStatus
from pipeline.errors import StackFailedError, StackStuckError
from pipeline.graph.template import Template
from pipeline.waiting import Waiter

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class StackLook:
    """What one look at a stack found while CloudFormation was at work on it.

    current: None once the stack is gone. events: all events since the operation began, the oldest first.
    cause: the first failure, in the look that found it; None in every other look.
    """

    current: StackDescription | None
    events: Sequence[Event]
    cause: Event | None

    @property
    def rolls_back(self) -> bool:
        """CloudFormation is putting the former state back. The events were read after the stack itself."""
        of_the_stack = [event for event in self.events if event.of_the_stack]
        if of_the_stack:
            return StackStatus(of_the_stack[-1].status).rolls_back
        return self.current is not None and self.current.status.rolls_back


@dataclass(frozen=True)
class StackDeployer:
    """Brings stacks to what is asked for, and deletes them. timeout: seconds per wait. named: what holds data
    and may be replaced or removed all the same.

    Every method that waits raises WaitTimeoutError.
    """

    cloudformation: "CloudFormationClient"
    waiter: Waiter
    log: Log
    timeout: float = 5400
    named: Named = data_loss.NOTHING

    def deploy(self, spec: StackSpec, current: StackDescription | None) -> "Deployment":
        """Make the change set that brings a stack to `spec`, and execute nothing yet.

        current: what `stacks.describe` gave just now. An update under way is waited for first; a stack whose
        creation failed is deleted first. Raises StackFailedError where CloudFormation refuses the change set,
        and StackStuckError.
        """
        word = "joined" if current is not None and current.status.in_progress else "unchanged"
        current = self.settle(current) if current is not None else None
        if current is not None and current.status.must_be_cleared:
            self.log(f"{current.status} from an earlier run: clearing it away (nothing ever lived in it)")
            self.delete(current, spec.template)
            current = None
        if current is not None and current.status.needs_a_person:
            raise stacks.stuck(current)
        found = change_set.create(self.cloudformation, spec, self.waiter.until, new=current is None)
        if isinstance(found, Changes):
            self.log(f"change set: {change_set.summary(found.changes)}")
            word = "created" if current is None else "updated"
        elif current is None:
            raise StackFailedError(f"the new stack {spec.name} would hold nothing", why=found.reason)
        return Deployment(self, spec.name, spec.template, found, word, current)

    def update_parameters(
        self,
        current: StackDescription,
        template: Template,
        update: ParameterUpdate | None,
        untold: list[ParameterUpdate] | None = None,
    ) -> StackDescription:
        """Give a settled stack other values of some parameters and of nothing else; the stack as it is then.

        CloudFormation takes back whatever an update that fails has changed: what was updated before stays.
        Where more would change for something outside of the template moved, the update joins those in
        `untold` and nothing is done. Raises RolloutRefusedError where more would change, and what
        `Deployment.events` raises.
        """
        if update is None:
            return current
        found = change_set.create_for_parameters(
            self.cloudformation, current.name, current.parameters, update.changed, self.waiter.until
        )
        if isinstance(found, NoChanges):
            return current
        with Deployment(self, current.name, template, found, "updated", current) as deployment:
            moved = update.moved(found.changes)
            if moved and untold is not None:
                self.log(
                    f"the stack is not told {update.what} now: {', '.join(moved)} would change with it, for "
                    "something moved that the stack reads from outside of its template"
                )
                untold.append(update)
                return current
            update.refuse_more(found.changes, current)
            self.log(f"telling the stack {update.told(current)}")
            for _ in deployment.events():
                pass
        return deployment.stack

    def settle(self, current: StackDescription) -> StackDescription | None:
        """Wait until CloudFormation is no longer at work on a stack; None where it deleted the stack."""
        settled: StackDescription | None = current
        for look in self.settling(current):
            settled = look.current
        return settled

    def settling(self, current: StackDescription) -> Iterator[StackLook]:
        """Every look of `settle`; none where CloudFormation is not at work."""
        if current.status.in_progress:
            self.log(f"{current.status} already, by an earlier run or somebody else: waiting for it to end")
            events = EventStream.from_now(self.cloudformation, current.stack_id)
            yield from self.looks(events, None, f"stack {current.name} ({current.status})")

    def delete(self, current: StackDescription, template: Template | None) -> None:
        """Delete a stack and wait until it is gone. Raises StackStuckError with the resource that stayed."""
        events = EventStream.from_now(self.cloudformation, current.stack_id)
        with DoneBefore("TokenAlreadyExistsException"):
            self.cloudformation.delete_stack(
                StackName=current.stack_id, ClientRequestToken=f"slipway-{uuid.uuid4()}"
            )
        *_, last = self.looks(events, template, f"deleting stack {current.name}")
        if last.current is not None:
            cause = first_cause(last.events)
            raise StackStuckError(
                f"stack {current.name} could not be deleted ({last.current.status})",
                why=cause.told if cause else current.reason,
                next_step=stacks.delete_by_hand(current),
                where=template.where(cause.logical_id) if cause and template else "",
            )

    def looks(self, events: EventStream, template: Template | None, what: str) -> Iterator[StackLook]:
        """Look at a stack until CloudFormation is no longer at work on it, and log each event once.

        The last look finds the stack at rest, or gone. template: names the line of what failed.
        """
        cause: Event | None = None

        def look() -> StackLook:
            nonlocal cause
            current = stacks.describe(self.cloudformation, events.stack_id)
            events.log_new(template, self.log)
            found = first_cause(events.seen) if cause is None else None
            cause = cause or found
            return StackLook(current, events.seen, found)

        for seen in self.waiter.looks(look, what=what, timeout=self.timeout):
            yield seen
            # A stack in review was not begun with yet, or is not deleted yet.
            if seen.current is None or not (seen.current.status.in_progress or seen.current.status.in_review):
                return


@dataclass
class Deployment:
    """A change set and what becomes of its stack. One that is not executed in the `with` block is discarded.

    word: created, updated, unchanged, or joined where an earlier run's update was waited for. current: as
    last seen; None before the stack is created. diagnostics: further lines for the error, from who reads
    the events.
    """

    deployer: StackDeployer
    name: str
    template: Template
    change_set: Changes | NoChanges
    word: str
    current: StackDescription | None
    diagnostics: list[str] = field(default_factory=list)
    _executed: bool = field(default=False, init=False)

    @property
    def changes(self) -> Sequence[ResourceChange]:
        """What the change set would change."""
        return self.change_set.changes if isinstance(self.change_set, Changes) else ()

    @property
    def stack(self) -> StackDescription:
        """The stack, once the events have ended."""
        if self.current is None:
            raise ValueError("the stack is there once the events have ended")
        return self.current

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self.change_set, Changes) and not self._executed:
            change_set.discard(self.deployer.cloudformation, self.change_set)

    def events(self) -> Iterator[StackLook]:
        """Execute the change set, and look at the stack until it is at rest; none where nothing changes.

        A rollback deletes much: whoever wants diagnostics gathers them in the look that has a `cause`.
        Raises DataLossError before anything is executed, and StackFailedError with the first cause and its
        line in the template.
        """
        if isinstance(self.change_set, NoChanges):
            self._protect()  # An earlier run may have been killed before it did.
            return
        cloudformation, stack_id = self.deployer.cloudformation, self.change_set.stack_id
        losses = data_loss.find(cloudformation, self.change_set, self.template)
        data_loss.refuse(losses, self.deployer.named)
        lifted = frozenset(loss.change.logical_id for loss in losses)
        self._protect(lifted)
        events = EventStream.from_now(cloudformation, stack_id)
        self._executed = True
        with DoneBefore("InvalidChangeSetStatus", "TokenAlreadyExistsException"):
            cloudformation.execute_change_set(
                ChangeSetName=self.change_set.arn,
                StackName=stack_id,
                ClientRequestToken=f"slipway-{uuid.uuid4()}",
            )
        cause: Event | None = None
        for look in self.deployer.looks(events, self.template, f"stack {self.name}"):
            yield look
            cause, self.current = cause or look.cause, look.current
        if lifted or any(change.action == "Add" for change in self.changes):
            self._protect()
        if self.current is None or not self.current.status.succeeded:
            raise self._failure(cause, events)

    def _protect(self, lifted: frozenset[str] = frozenset()) -> None:
        """Set the stack policy, where there is a stack that takes updates and that holds data."""
        there = self.current is not None and self.current.status.ready and not self.current.status.in_review
        if there and (lifted or self.template.has_data):
            data_loss.protect(self.deployer.cloudformation, self.stack.stack_id, self.template, lifted)

    def _failure(self, cause: Event | None, events: EventStream) -> StackFailedError:
        where = self.template.where(cause.logical_id) if cause else self.template.path
        told = f"{cause.told} [{where}]" if cause else ""
        if self.current is None:
            return StackFailedError(
                f"stack {self.name} was deleted while it was being deployed",
                why=told,
                next_step="find out who deleted it, mend what failed before, and deploy again",
                details=self.diagnostics,
            )
        stuck = self.current.status.needs_a_person
        return StackFailedError(
            f"stack {self.name} ended in {self.current.status}",
            why=told or f"{self.current.reason} [{where}]",
            next_step=stacks.stuck(self.current).next_step if stuck else "mend the cause and deploy again",
            details=self.diagnostics,
            where=where,
            also=[
                (self.template.where(event.logical_id), event.told)
                for event in causes(events.seen)
                if cause is not None and event.logical_id != cause.logical_id
            ],
        )
