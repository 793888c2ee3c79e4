"""Where every module of the local AWS registers what MiniStack lacks or does differently from AWS.

`register(registry)` in each module adds CloudFormation resource types, replaces API operations, and hooks
into start and shutdown. tests/unit/local_aws/emulator fails as soon as a new MiniStack renames something that
this package names.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
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
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.request import Request, Response

__all__ = ["Attributes", "Properties", "RefusedError", "Registry", "Request", "ResourceType", "Response"]

Handler = Callable[[Any], Response]
Create = Callable[[str, Properties, str], tuple[str, Attributes]]
Update = Callable[[str, Properties, Properties, str, str], tuple[str, Attributes]]
Delete = Callable[[str, Properties], None]
Hook = Callable[[], None] | Callable[[], Awaitable[None]]


def _nothing(*_: Any) -> None: ...


class ResourceType(TypedDict):
    """What CloudFormation calls for a resource type; see `Registry.resource_type`."""

    create: Create
    update: Update
    delete: Delete
    snapshot: Delete


# Each pair is a module of MiniStack's services and a name in it.
RESOURCE_TYPES = ("cloudformation.provisioners", "_RESOURCE_HANDLERS")
# The tables of operations.
OPERATIONS = {
    "ecs": ("ecs", "_ACTION_MAP"),
    "elbv2": ("alb", "_ACTION_MAP"),
    "rds": ("rds", "_ACTION_MAP"),
    "ec2": ("ec2", "_ACTION_MAP"),
    "cloudformation": ("cloudformation.handlers", "_ACTION_HANDLERS"),
}
# The functions that make an error response of code, message and status.
ERRORS = {
    "ec2": ("ec2", "_error"),
    "ecs": ("ecs", "error_response_json"),
    "ecr": ("ecr", "error_response_json"),
    "elbv2": ("alb", "_error"),
    "rds": ("rds", "_error"),
    "cloudformation": ("cloudformation.helpers", "_error"),
}


class Registry:
    """Where the modules of the local AWS register what they do.

    checkout: names, labels and ports of this local AWS.
    """

    records = staticmethod(stores.records)
    attributes = staticmethod(stores.attributes)
    regions = staticmethod(stores.regions)

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

    def json_service(self, name: str, operations: Mapping[str, Callable[[Any], Any]]) -> None:
        """Add a service of the JSON protocol that MiniStack lacks. name: the one that signatures carry.

        An operation gets the decoded request and gives its answer, and may raise RefusedError. The operations
        run on the event loop.
        """
        from ministack import app

        def answered(target: str, body: bytes) -> Any:
            operation = operations.get(target.rpartition(".")[2])
            if operation is None:
                return responses.error_response_json("UnknownOperationException", "", 400)
            try:
                return responses.json_response(operation(json.loads(body)))
            except RefusedError as refused:
                return responses.error_response_json(refused.code, refused.message, 400)

        async def answer(_: str, __: str, headers: Any, body: bytes, ___: Any) -> Response:
            response: Response = answered(headers.get("x-amz-target", ""), body)
            return response

        app.SERVICE_HANDLERS[name] = answer

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
        waits: the handlers block, so they run on a thread of their own, with account and region pinned.
        Meanwhile the stack is IN_PROGRESS and the API answers.
        sent_back: after a failed update, CloudFormation updates the resource to its previous properties.
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

    def extend_resource_type(
        self,
        name: str,
        *,
        check: Callable[[Properties, str], None] = _nothing,
        made: Callable[[str, Properties, Attributes], None] = _nothing,
        check_deletion: Callable[[str], None] = _nothing,
        deleted: Callable[[str], None] = _nothing,
        waits: bool = False,
    ) -> None:
        """Add to what a resource type does so far.

        check(properties, physical_id) runs before the resource is created (physical_id is "") or updated;
        made(physical_id, properties, attributes) runs after both, and may add attributes. If `made` raises
        ValueError, the resource is deleted. check_deletion(physical_id) and deleted(physical_id) run before
        and after a deletion. See `resource_type` for the rest.
        """
        shipped = self.shipped_resource_type(name)

        def finish(physical_id: str, properties: Properties, attributes: Attributes) -> None:
            try:
                made(physical_id, properties, attributes)
            except ValueError:
                shipped["delete"](physical_id, properties)
                raise

        def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
            check(properties, "")
            physical_id, attributes = shipped["create"](logical_id, properties, stack_name)
            finish(physical_id, properties, attributes)
            return physical_id, attributes

        def update(
            physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
        ) -> tuple[str, Attributes]:
            check(new, physical_id)
            new_id, attributes = shipped["update"](physical_id, old, new, stack_name, logical_id)
            finish(new_id, new, attributes)
            return new_id, attributes

        def delete(physical_id: str, properties: Properties) -> None:
            check_deletion(physical_id)
            shipped["delete"](physical_id, properties)
            deleted(physical_id)

        self.resource_type(name, create=create, update=update, delete=delete, waits=waits)

    def before_request(self, hook: Callable[[Request], Response | None]) -> None:
        """Run `hook` before each request. If the hook gives a response, that response is the answer.

        The hook may raise RefusedError.
        """
        if not self._before_request:
            from ministack import app

            for service, handler in list(app.SERVICE_HANDLERS.items()):
                app.SERVICE_HANDLERS[service] = self._asked_first(service, handler)
        self._before_request.append(hook)

    def _asked_first(self, service: str, handler: Callable[..., Awaitable[Response]]) -> Any:
        async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
            request = api_request.read(service, method, path, headers, body, query)
            if request is not None:
                try:
                    for hook in self._before_request:
                        if (response := hook(request)) is not None:
                            return response
                except RefusedError as refused:
                    return request.refused(refused.code, refused.message)
            return await handler(method, path, headers, body, query)

        return answer

    def shipped_resource_type(self, name: str) -> ResourceType:
        """The handlers registered so far, to wrap them."""
        return cast("ResourceType", dict(self._handlers[name]))

    def operation(self, service: str, name: str, handler: Handler) -> None:
        """Add or replace an API operation of ecr or of a service in OPERATIONS.

        handler(request) gives (status, headers, body); the request is the decoded JSON for ecr and ecs, the
        query parameters, each a list of strings, for the others. The handler may raise RefusedError. An ECS
        operation may block: it runs on a thread of its own.
        """

        def answer(request: Any) -> Response:
            try:
                return handler(request)
            except RefusedError as refused:
                response: Response = internals.get(*ERRORS[service])(refused.code, refused.message, 400)
                return response

        if service == "ecr":
            internals.replace("ecr", _function_of(name), lambda _: answer)
        else:
            internals.get(*OPERATIONS[service])[name] = answer

    def check_operation(self, service: str, name: str, check: Callable[[Any], None]) -> None:
        """Run check(request) before an API operation; the check may raise RefusedError."""
        shipped = self.shipped_operation(service, name)

        def checked(request: Any) -> Response:
            check(request)
            return shipped(request)

        self.operation(service, name, checked)

    def shipped_operation(self, service: str, name: str) -> Handler:
        """The handler registered so far, to wrap it."""
        handler: Handler = (
            internals.get("ecr", _function_of(name))
            if service == "ecr"
            else internals.get(*OPERATIONS[service])[name]
        )
        return handler

    @staticmethod
    def run_no_services() -> None:
        """Stop MiniStack's own scheduler of ECS services."""
        internals.replace("ecs", "_reconcile_service_tasks", lambda _: lambda *_: None)

    def keep(self, name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        """Keep a module's own records over a restart of the server.

        get() is called every two seconds on another thread and gives a value that pickle can take. put(value)
        is called before the on_start hooks, and not at all when nothing was saved.
        """
        self.kept[name] = (get, put)

    def scope(self, region: str = REGION) -> AbstractContextManager[None]:
        """Pin account and region on this thread, for work outside of a request."""
        scope: AbstractContextManager[None] = responses.request_scope(self.checkout.account, region)
        return scope

    @staticmethod
    def region() -> str:
        """The region of this thread's request or scope."""
        region: str = responses.get_region()
        return region

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the local AWS itself. A call on the event loop would block that loop for ever."""
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
        """Run `hook` on the server's event loop after the records are restored, before the first request.

        The hook may be a coroutine function. It must not use `client`, because no request is served yet:
        start a thread.
        """
        self._start.append(hook)

    def on_shutdown(self, hook: Hook) -> None:
        """Run `hook` on the server's event loop at SIGTERM. The hook that was registered last runs first."""
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
    """The function of an ECR operation: MiniStack makes ECR's table of operations anew for each request."""
    return re.sub("(?=[A-Z])", "_", operation).lower()


async def _run(hook: Hook) -> None:
    answer = hook()
    if inspect.isawaitable(answer):
        await answer
