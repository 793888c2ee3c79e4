"""The one module that knows MiniStack's private names.

Every part of the local AWS that MiniStack lacks or does differently from AWS registers here:
`register(registry)` in each module adds CloudFormation resource types, replaces API operations, and hooks
into start and shutdown. tests/local/test_registration.py fails as soon as a new MiniStack renames
one of these.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import boto3
from botocore.config import Config

from local_aws.emulator import request as api_request
from local_aws.emulator.request import Request
from local_aws.settings import REGION, Settings

Properties = dict[str, Any]
Attributes = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Create = Callable[[str, Properties, str], tuple[str, Attributes]]
Update = Callable[[str, Properties, Properties, str, str], tuple[str, Attributes]]
Delete = Callable[[str, Properties], None]
Hook = Callable[[], None] | Callable[[], Awaitable[None]]

# The table of operations by service: (module, name of the table).
OPERATIONS = {
    "ecs": ("ministack.services.ecs", "_ACTION_MAP"),
    "elbv2": ("ministack.services.alb", "_ACTION_MAP"),
    "rds": ("ministack.services.rds", "_ACTION_MAP"),
    "ec2": ("ministack.services.ec2", "_ACTION_MAP"),
    "cloudformation": ("ministack.services.cloudformation.handlers", "_ACTION_HANDLERS"),
}


class Registry:
    """Where the modules of the local AWS register what they do.

    settings: names, labels and ports of this checkout.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._start: list[Hook] = []
        self._shutdown: list[Hook] = []
        self._waiting: set[str] = set()
        self._before_request: list[Callable[[Request], Response | None]] = []
        self.kept: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        provisioners = import_module("ministack.services.cloudformation.provisioners")
        stacks: Any = import_module("ministack.services.cloudformation.stacks")
        self._handlers: dict[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS
        blocks = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = lambda name: name in self._waiting or blocks(name)

    def resource_type(
        self,
        name: str,
        *,
        create: Create,
        update: Update,
        delete: Delete,
        snapshot: Delete | None = None,
        waits: bool = False,
    ) -> None:
        """Add or replace a CloudFormation resource type.

        create(logical_id, properties, stack_name) gives the physical id and the Fn::GetAtt attributes;
        update(physical_id, old, new, stack_name, logical_id) gives the same, and a changed physical id makes
        CloudFormation delete the old one after the update (a replacement); delete(physical_id, properties);
        snapshot(physical_id, properties) runs before a delete whose policy is Snapshot.
        Each may raise ValueError(AWS's words): the resource fails and the stack rolls back.
        waits: it blocks, so it runs on a thread of its own; meanwhile the stack is IN_PROGRESS and the API
        answers. Account and region are pinned on that thread.
        """
        handlers: dict[str, Any] = {
            "create": create,
            "update": update,
            "update_with_logical_id": True,
            "delete": delete,
        }
        if snapshot is not None:
            handlers["snapshot"] = snapshot
        self._handlers[name] = {**self._handlers.get(name, {}), "delete_with_logical_id": False, **handlers}
        if waits:
            self._waiting.add(name)
        else:
            self._waiting.discard(name)

    def before_resource(self, check: Callable[[str, Properties], None]) -> None:
        """Run `check(resource type, properties)` before CloudFormation creates or changes a resource.

        It may raise ValueError(AWS's words), and the resource fails.
        """
        provision = self.replace("cloudformation.stacks", "_provision_resource", lambda *_: None)
        update = self.replace("cloudformation.stacks", "_update_resource", lambda *_: None)

        def checked_provision(name: str, logical_id: str, properties: Properties, *more: Any) -> Any:
            check(name, properties)
            return provision(name, logical_id, properties, *more)

        def checked_update(name: str, physical_id: str, old: Properties, new: Properties, *more: Any) -> Any:
            if old != new:
                check(name, new)
            return update(name, physical_id, old, new, *more)

        self.replace("cloudformation.stacks", "_provision_resource", checked_provision)
        self.replace("cloudformation.stacks", "_update_resource", checked_update)

    def before_request(self, hook: Callable[[Request], Response | None]) -> None:
        """Run `hook` before a request is answered; the response it gives, if any, is the answer."""
        if not self._before_request:
            handlers: dict[str, Any] = import_module("ministack.app").SERVICE_HANDLERS
            for service, handler in list(handlers.items()):
                handlers[service] = self._asked_first(service, handler)
        self._before_request.append(hook)

    def _asked_first(self, service: str, handler: Callable[..., Awaitable[Response]]) -> Any:
        async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
            request = api_request.read(service, method, path, headers, body, query)
            if request is not None:
                for hook in self._before_request:
                    if (response := hook(request)) is not None:
                        return response
            return await handler(method, path, headers, body, query)

        return answer

    def shipped_resource_type(self, name: str) -> Mapping[str, Any]:
        """The handlers registered so far ("create", "update", "delete", "snapshot"), to wrap them."""
        return dict(self._handlers[name])

    def operation(self, service: str, name: str, handler: Callable[[Any], Response]) -> None:
        """Add or replace an API operation of a service in OPERATIONS.

        handler(request) gives (status, headers, body); the request is the decoded JSON for ecs and the query
        parameters, each a list of strings, for the others.
        """
        self._table(service)[name] = handler

    def shipped_operation(self, service: str, name: str) -> Callable[[Any], Response]:
        """The handler registered so far, to wrap it."""
        handler: Callable[[Any], Response] = self._table(service)[name]
        return handler

    def ecs_operation(self, name: str, handler: Callable[[dict[str, Any]], Response]) -> None:
        """Add or replace an ECS operation. It runs on a thread of its own and may block."""
        self.operation("ecs", name, handler)

    def store(self, service_module: str, name: str) -> Any:
        """A dict in which MiniStack keeps its records, e.g. store("alb", "_tgs").

        Its keys are scoped: read and write it inside `scope()` when not answering a request.
        """
        return getattr(import_module(f"ministack.services.{service_module}"), name)

    def replace(self, service_module: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Replace a function inside MiniStack that no table leads to, and get the one that was there."""
        module = import_module(f"ministack.services.{service_module}")
        before: Callable[..., Any] = getattr(module, name)
        setattr(module, name, function)
        return before

    def keep(self, name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        """Keep a module's own records over a restart of the server, as MiniStack's are.

        get() gives what pickle can take, every two seconds on another thread; put(value) gets it back before
        the on_start hooks run, and is not called when nothing was saved.
        """
        self.kept[name] = (get, put)

    def add_stack_event(self, stack: dict[str, Any]) -> None:
        """Record the status that a stack record has now as an event of the stack."""
        stacks: Any = import_module("ministack.services.cloudformation.stacks")
        stack_id, name = stack["StackId"], stack["StackName"]
        status, reason = stack["StackStatus"], stack.get("StackStatusReason", "")
        stacks._add_event(stack_id, name, name, "AWS::CloudFormation::Stack", status, reason, stack_id)

    def scope(self, region: str = REGION) -> AbstractContextManager[None]:
        """Pin the local AWS's account and a region on this thread, for work outside of a request."""
        responses = import_module("ministack.core.responses")
        scope: AbstractContextManager[None] = responses.request_scope(self.settings.account, region)
        return scope

    @staticmethod
    def region() -> str:
        """The region of the request, or of the scope, that this thread works in."""
        region: str = import_module("ministack.core.responses").get_region()
        return region

    def regions(self, service_module: str, name: str) -> set[str]:
        """The regions in which a store holds anything."""
        return {region for _, region, _ in list(self.store(service_module, name)._data)}

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the local AWS itself; on the event loop it would wait for itself for ever."""
        sdk: Any = boto3  # the stubs know no service by a name that is a variable
        return sdk.client(
            service,
            endpoint_url=self.settings.endpoint_url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - every local AWS takes any key
            config=Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=60),
        )

    def on_start(self, hook: Hook) -> None:
        """Run `hook` on the server's event loop once the remembered state is back, before the first request.

        It may be a coroutine function. Calls of `client` must wait until requests are served: start a thread.
        """
        self._start.append(hook)

    def on_shutdown(self, hook: Hook) -> None:
        """Run `hook` on the server's event loop when the server ends by SIGTERM, last registered first."""
        self._shutdown.append(hook)

    async def start(self) -> None:
        for hook in self._start:
            await _run(hook)

    async def shutdown(self) -> None:
        for hook in reversed(self._shutdown):
            await _run(hook)

    @staticmethod
    def _table(service: str) -> dict[str, Callable[[Any], Response]]:
        module, name = OPERATIONS[service]
        table: dict[str, Callable[[Any], Response]] = getattr(import_module(module), name)
        return table


async def _run(hook: Hook) -> None:
    answer = hook()
    if inspect.isawaitable(answer):
        await answer
