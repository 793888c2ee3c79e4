import asyncio
from importlib import import_module

import pytest

from local_aws.checkout import ACCOUNT, REGION
from local_aws.emulator import internals
from local_aws.emulator.refusals import RefusedError
from local_aws.emulator.registry import OPERATIONS


def of_a_thing(logical_id, properties, stack_name):
    return "thing-1", {}


def changed(physical_id, old, new, stack_name, logical_id):
    return physical_id, {}


def gone(physical_id, properties):
    return None


@pytest.mark.parametrize("service", OPERATIONS)
def test_ministack_still_keeps_its_operations_in_the_table_we_know(service):
    handlers = internals.get(*OPERATIONS[service]).values()

    assert "ministack" in next(iter(handlers)).__module__


def test_ministack_still_resolves_a_resource_type_through_the_table_we_know(registry):
    registry.resource_type("Slipway::Test::Thing", create=of_a_thing, update=changed, delete=gone)

    provision = import_module("ministack.services.cloudformation.provisioners")._provision_resource

    assert ("thing-1", {}) == provision("Slipway::Test::Thing", "Thing", {}, "a-stack")


def test_a_resource_type_that_waits_runs_on_a_thread_of_its_own(registry):
    stacks = import_module("ministack.services.cloudformation.stacks")
    registry.resource_type("Slipway::Test::Slow", create=of_a_thing, update=changed, delete=gone, waits=True)
    registry.resource_type("Slipway::Test::Fast", create=of_a_thing, update=changed, delete=gone)

    assert stacks._runs_on_worker_thread("Slipway::Test::Slow")
    assert not stacks._runs_on_worker_thread("Slipway::Test::Fast")
    assert stacks._runs_on_worker_thread("AWS::CloudFormation::WaitCondition")


def test_an_update_learns_the_logical_id(registry):
    seen = []

    def update(physical_id, old, new, stack_name, logical_id):
        seen.append((physical_id, logical_id, stack_name))
        return "thing-2", {}

    registry.resource_type("Slipway::Test::Thing", create=of_a_thing, update=update, delete=gone)
    provisioners = import_module("ministack.services.cloudformation.provisioners")
    provisioners._update_resource(
        "Slipway::Test::Thing", "thing-1", {"A": "1"}, {"A": "2"}, "a-stack", "Thing"
    )

    assert [("thing-1", "Thing", "a-stack")] == seen


def test_an_operation_replaces_the_shipped_one(registry):
    def handler(request):
        return 200, {}, b"ours"

    shipped = registry.shipped_operation("ecs", "ListClusters")
    registry.operation("ecs", "ListClusters", handler)

    assert (200, {}, b"ours") == registry.shipped_operation("ecs", "ListClusters")({})
    assert shipped is not registry.shipped_operation("ecs", "ListClusters")


@pytest.mark.parametrize("service", ["ecr", *OPERATIONS])
def test_a_refusal_is_answered_in_the_form_of_the_service(registry, service):
    def refuse(request):
        raise RefusedError("NoSuchThing", "It is not there.")

    name = "DescribeImages" if service == "ecr" else next(iter(internals.get(*OPERATIONS[service])))
    registry.operation(service, name, refuse)
    status, _, body = registry.shipped_operation(service, name)({})

    assert status == 400
    assert b"NoSuchThing" in body
    assert b"It is not there." in body


def test_records_are_kept_under_our_account_and_region_inside_the_scope(registry):
    responses = import_module("ministack.core.responses")

    with registry.scope():
        assert (ACCOUNT, REGION) == (responses.get_account_id(), responses.get_region())


def test_hooks_run_in_order_at_start_and_backwards_at_shutdown(registry):
    seen = []

    async def slow():
        await asyncio.sleep(0)
        seen.append("second")

    for hooks in (registry.on_start, registry.on_shutdown):
        hooks(lambda: seen.append("first"))
        hooks(slow)
    asyncio.run(registry.start())
    asyncio.run(registry.shutdown())

    assert ["first", "second", "second", "first"] == seen


def test_a_hook_may_answer_in_a_services_stead_and_else_the_service_does(registry, monkeypatch):
    app = import_module("ministack.app")
    monkeypatch.setattr(app, "SERVICE_HANDLERS", dict(app.SERVICE_HANDLERS))
    refused = (418, {}, b"not now")
    registry.before_request(lambda request: refused if request.action == "sts:GetSessionToken" else None)

    def ask(action):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        handler = app.SERVICE_HANDLERS["sts"]
        return asyncio.run(handler("POST", "/", headers, f"Action={action}".encode(), {}))

    assert refused == ask("GetSessionToken")
    assert 200 == ask("GetCallerIdentity")[0]
