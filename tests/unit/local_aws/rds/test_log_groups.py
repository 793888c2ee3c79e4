"""RDS makes the log group of a log that it publishes, unless the stack was there first."""

from collections.abc import Iterator

import pytest

from local_aws.rds import log_groups
from local_aws.rds.log_groups import TYPE

NAME = "/aws/rds/instance/orders-dev-database/error"
EXPORTS = {"EnableCloudwatchLogsExports": ["error"]}
GROUP = {"LogGroupName": NAME, "RetentionInDays": 7}


@pytest.fixture
def groups(registry) -> Iterator[dict]:
    found = registry.records(TYPE)
    found.clear()
    log_groups.register(registry)
    yield found
    found.clear()


def test_a_log_group_that_nobody_made_has_no_end(registry, groups):
    log_groups.publish(registry, "orders-dev-database", EXPORTS)

    assert [(NAME, None)] == [(name, group["retentionInDays"]) for name, group in groups.items()]


def test_the_stacks_own_log_group_is_taken_as_it_is(registry, groups):
    registry.shipped_resource_type(TYPE)["create"]("ErrorLog", GROUP, "orders-dev-rds-database")
    log_groups.publish(registry, "orders-dev-database", EXPORTS)

    assert [7] == [group["retentionInDays"] for group in groups.values()]


def test_a_stack_that_comes_too_late_with_its_log_group_is_refused(registry, groups):
    log_groups.publish(registry, "orders-dev-database", EXPORTS)

    with pytest.raises(ValueError, match="already exists"):
        registry.shipped_resource_type(TYPE)["create"]("ErrorLog", GROUP, "orders-dev-rds-database")


def test_a_log_group_is_changed_in_place_and_goes_with_its_stack(registry, groups):
    handlers = registry.shipped_resource_type(TYPE)
    made, _ = handlers["create"]("ErrorLog", GROUP, "stack")
    handlers["update"](made, GROUP, {**GROUP, "RetentionInDays": 30}, "stack", "ErrorLog")

    assert [30] == [group["retentionInDays"] for group in groups.values()]

    handlers["delete"](made, GROUP)
    assert [] == list(groups)


def test_a_server_that_exports_no_log_has_no_log_group(registry, groups):
    log_groups.publish(registry, "orders-dev-database", {})

    assert [] == list(groups)
