"""Where every module of the local AWS registers what MiniStack lacks or does differently from AWS.

`register(registry)` in each module adds CloudFormation resource types, replaces API operations, and hooks
into start and shutdown. tests/unit/local_aws/emulator fails as soon as a new MiniStack renames something that
this package names.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypedDict, cast

import boto3
from botocore.config import Config
from ministack.core import responses

from local_aws.checkout import REGION, Checkout
from local_aws.emulator import internals
from local_aws.emulator import records as stores
from local_aws.emulator import request as api_request
from local_aws.emulator.cloudformation import Attributes, Properties
from local_aws.emulator.records import Record, Store
from local_aws.emulator.request import Request, Response

__all__ = ["Attributes", "Properties", "Registry", "Request", "ResourceType", "Response"]

Handler = Callable[[Any], Response]
Create = Callable[[str, Properties, str], tuple[str, Attributes]]
Update = Callable[[str, Properties, Properties, str, str], tuple[str, Attributes]]
Delete = Callable[[str, Properties], None]
Hook = Callable[[], None] | Callable[[], Awaitable[None]]


class ResourceType(TypedDict):
    """What CloudFormation calls for a resource type; see `Registry.resource_type`."""

    create: Create
    update: Update
    delete: Delete
    snapshot: Delete


# All tables are named by MiniStack's module and the name in it.
RESOURCE_TYPES = ("cloudformation.provisioners", "_RESOURCE_HANDLERS")
# The table of operations by service.
OPERATIONS = {
    "ecs": ("ecs", "_ACTION_MAP"),
    "elbv2": ("alb", "_ACTION_MAP"),
    "rds": ("rds", "_ACTION_MAP"),
    "ec2": ("ec2", "_ACTION_MAP"),
    "cloudformation": ("cloudformation.handlers", "_ACTION_HANDLERS"),
}
# What makes an error response of a service: code, message, status.
ERRORS = {
    "ec2": ("ec2", "_error"),
    "ecr": ("ecr", "error_response_json"),
    "elbv2": ("alb", "_error"),
    "cloudformation": ("cloudformation.helpers", "_error"),
}


class Registry:
    """Where the modules of the local AWS register what they do.

    checkout: names, labels and ports of the one whose local AWS it is.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self._start: list[Hook] = []
        self._shutdown: list[Hook] = []
        self._waiting: set[str] = set()
        self._sent_back: set[str] = set()
        self._before_request: list[Callable[[Request], Response | None]] = []
        self.kept: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self._handlers: dict[str, dict[str, Any]] = internals.get(*RESOURCE_TYPES)
        for name, types in (
            ("_runs_on_worker_thread", self._waiting),
            ("_sends_back_failed_update", self._sent_back),
        ):
            internals.replace("cloudformation.stacks", name, partial(_also, types))

    def resource_type(
        self,
        name: str,
        *,
        create: Create,
        update: Update,
        delete: Delete,
        snapshot: Delete | None = None,
        waits: bool = False,
        sent_back: bool = False,
    ) -> None:
        """Add or replace a CloudFormation resource type.

        create(logical_id, properties, stack_name) gives the physical id and the Fn::GetAtt attributes;
        update(physical_id, old, new, stack_name, logical_id) gives the same, and a changed physical id makes
        CloudFormation delete the old one after the update (a replacement); delete(physical_id, properties);
        snapshot(physical_id, properties) runs before a delete whose policy is Snapshot.
        Each may raise ValueError(AWS's words): the resource fails and the stack rolls back.
        waits: it blocks, so it runs on a thread of its own; meanwhile the stack is IN_PROGRESS and the API
        answers. Account and region are pinned on that thread.
        sent_back: an update that failed is followed by one to the previous properties.
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
        for chosen, types in ((waits, self._waiting), (sent_back, self._sent_back)):
            (types.add if chosen else types.discard)(name)

    def before_request(self, hook: Callable[[Request], Response | None]) -> None:
        """Run `hook` before a request is answered; the response it gives, if any, is the answer."""
        if not self._before_request:
            from ministack import app

            for service, handler in list(app.SERVICE_HANDLERS.items()):
                app.SERVICE_HANDLERS[service] = self._asked_first(service, handler)
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

    def shipped_resource_type(self, name: str) -> ResourceType:
        """The handlers registered so far, to wrap them."""
        return cast("ResourceType", dict(self._handlers[name]))

    def operation(self, service: str, name: str, handler: Handler) -> None:
        """Add or replace an API operation of ecr or of a service in OPERATIONS.

        handler(request) gives (status, headers, body); the request is the decoded JSON for ecr and ecs, the
        query parameters, each a list of strings, for the others. An ECS operation may block: it runs on a
        thread of its own.
        """
        if service == "ecr":
            internals.replace("ecr", _function_of(name), lambda _: handler)
        else:
            internals.get(*OPERATIONS[service])[name] = handler

    def shipped_operation(self, service: str, name: str) -> Handler:
        """The handler registered so far, to wrap it."""
        handler: Handler = (
            internals.get("ecr", _function_of(name))
            if service == "ecr"
            else internals.get(*OPERATIONS[service])[name]
        )
        return handler

    @staticmethod
    def error(service: str, code: str, message: str) -> Response:
        """A service's refusal (status 400), in the form of its protocol."""
        response: Response = internals.get(*ERRORS[service])(code, message, 400)
        return response

    @staticmethod
    def records(resource_type: str) -> Store[Record]:
        """The records of all resources of a type, by physical id (a task definition: by family:revision).

        They are those of one account and region: use `scope()` when not answering a request.
        """
        return stores.records(resource_type)

    @staticmethod
    def attributes(resource_type: str) -> Store[list[Record]]:
        """The attributes, each a Key and a Value, of all load balancers or target groups, by ARN."""
        return stores.attributes(resource_type)

    @staticmethod
    def regions(resource_type: str) -> set[str]:
        """The regions that have a resource of this type."""
        return stores.regions(resource_type)

    @staticmethod
    def run_no_services() -> None:
        """Keep MiniStack's own scheduler of ECS services from running beside another."""
        internals.replace("ecs", "_reconcile_service_tasks", lambda _: lambda *_: None)

    def keep(self, name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        """Keep a module's own records over a restart of the server, as MiniStack's are.

        get() gives what pickle can take, every two seconds on another thread; put(value) gets it back before
        the on_start hooks run, and is not called when nothing was saved.
        """
        self.kept[name] = (get, put)

    def scope(self, region: str = REGION) -> AbstractContextManager[None]:
        """Pin the local AWS's account and a region on this thread, for work outside of a request."""
        scope: AbstractContextManager[None] = responses.request_scope(self.checkout.account, region)
        return scope

    @staticmethod
    def region() -> str:
        """The region of the request, or of the scope, that this thread works in."""
        region: str = responses.get_region()
        return region

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the local AWS itself; on the event loop it would wait for itself for ever."""
        sdk: Any = boto3  # the stubs know no service by a name that is a variable
        return sdk.client(
            service,
            endpoint_url=self.checkout.endpoint_url,
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


def _also(types: set[str], shipped: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda resource_type: resource_type in types or shipped(resource_type)


def _function_of(operation: str) -> str:
    """ECR's table of operations is made anew for each request, from functions named after them."""
    return re.sub("(?=[A-Z])", "_", operation).lower()


async def _run(hook: Hook) -> None:
    answer = hook()
    if inspect.isawaitable(answer):
        await answer
