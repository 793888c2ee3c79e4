"""The hook before each operation on a resource, through MiniStack's own engine."""

from local_aws.emulator import internals
from local_aws.emulator.cloudformation import ResourceOperation, before_resource
from local_aws.emulator.registry import Registry

THING = "Slipway::Test::Thing"
OPERATIONS = ("provision", "update", "delete")


def test_a_hook_sees_what_each_operation_is_about_to_do_and_the_last_registered_runs_first(
    registry: Registry,
) -> None:
    seen: list[object] = []
    registry.resource_type(
        THING,
        create=lambda *_: ("thing-1", {}),
        update=lambda physical_id, *_: (physical_id, {}),
        delete=lambda *_: None,
    )
    before_resource(seen.append)
    before_resource(lambda operation: seen.append(operation.kind))
    engine = {name: internals.get("cloudformation.stacks", f"_{name}_resource") for name in OPERATIONS}

    engine["provision"](THING, "Thing", {"A": "1"}, "a-stack")
    engine["update"](THING, "thing-1", {"A": "1"}, {"A": "2"}, "a-stack", "Thing", {})
    engine["delete"](THING, "thing-1", {"A": "2"}, "a-stack", "Thing")

    assert [
        "create",
        ResourceOperation("create", THING, "Thing", "a-stack", {"A": "1"}),
        "update",
        ResourceOperation("update", THING, "Thing", "a-stack", {"A": "2"}, {"A": "1"}),
        "delete",
        ResourceOperation("delete", THING, "Thing", "a-stack", {"A": "2"}),
    ] == seen
