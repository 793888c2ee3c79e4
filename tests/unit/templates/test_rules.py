"""The templates keep every rule in rules/; test_mutations.py shows what each rule refuses."""

import pytest

from pipeline.config import environment
from pipeline.graph import template
from tests.unit.templates.reading import ENVIRONMENTS, INFRA, NAMES, read, text
from tests.unit.templates.rules import every_fault, keeping, network, rollout, service
from tests.unit.templates.variants import chosen, variants


@pytest.mark.parametrize("name", NAMES)
def test_a_template_keeps_every_rule(name):
    assert [] == every_fault(read(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_resource_has_a_comment_above_it(name):
    assert [] == keeping.resources_are_explained(text(name))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_tasks_have_time_to_stop_in_every_environment(name):
    values = environment.load(name, INFRA / "environments").parameters

    for variant in variants(read("ecs-stack")):
        assert [] == service.tasks_have_time_to_stop(variant, values)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_rollout_is_short_enough_for_cloudformation_in_every_environment(name):
    values = environment.load(name, INFRA / "environments").parameters

    assert 33 * 60 >= rollout.minutes_at_most(read("ecs-stack"), values)


@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({"DeploymentStrategy": "ROLLING"}, 0),
        ({"BakeTimeMinutes": "7", "DeploymentGate": "false"}, 7),
        ({"BakeTimeMinutes": "7", "GateTimeoutMinutes": "100"}, 207),
        ({"DeploymentStrategy": "CANARY", "BakeTimeMinutes": "7", "GateTimeoutMinutes": "1"}, 19),
        ({"DeploymentStrategy": "LINEAR", "LinearStepPercent": "10", "DeploymentGate": "false"}, 69),
        ({"DeploymentStrategy": "LINEAR", "LinearStepPercent": "11", "DeploymentGate": "false"}, 69),
    ],
)
def test_a_rollout_takes_its_bakes_its_steps_but_the_last_and_both_gates(values, minutes):
    assert minutes == rollout.minutes_at_most(read("ecs-stack"), values)


def test_the_migration_has_a_role_of_its_own_that_may_do_nothing():
    role = read("ecs-stack")["Resources"]["MigrationTaskRole"]["Properties"]

    assert {"Description", "PermissionsBoundary", "AssumeRolePolicyDocument"} == set(role)


def test_each_security_group_lets_in_only_the_one_before_it():
    expected = {
        "ecs-stack.LoadBalancerSecurityGroup": {(80, 80, network.WORLD)},
        "ecs-stack.TaskSecurityGroup": {
            (8080, 8080, "ecs-stack.LoadBalancerSecurityGroup"),
            (8081, 8081, "ecs-stack.LoadBalancerSecurityGroup"),
        },
        "ecs-stack.MigrationSecurityGroup": set(),
        "rds-database.ClientSecurityGroup": set(),
        "rds-database.DatabaseSecurityGroup": {(3306, 3306, "rds-database.ClientSecurityGroup")},
    }

    assert expected == network.admissions({name: read(name) for name in NAMES})


def test_load_balancer_service_and_database_each_wear_their_own_security_groups():
    expected = {
        "ecs-stack.LoadBalancer": {"ecs-stack.LoadBalancerSecurityGroup"},
        "ecs-stack.Service": {"ecs-stack.TaskSecurityGroup", "rds-database.ClientSecurityGroup"},
        "rds-database.Database": {"rds-database.DatabaseSecurityGroup"},
    }

    assert expected == network.wearers({name: read(name) for name in NAMES})


@pytest.mark.parametrize(
    ("large", "storage", "iops"),
    [("0", {"Ref": "DatabaseAllocatedStorage"}, None), ("500", {"Ref": "DatabaseLargeStorage"}, 12000)],
)
def test_storage_from_400_gib_on_comes_with_its_iops_and_smaller_storage_without(large, storage, iops):
    database = chosen(read("rds-database"), {"DatabaseLargeStorage": large})["Resources"]["Database"]

    assert (storage, iops) == (database["Properties"]["AllocatedStorage"], database["Properties"].get("Iops"))


@pytest.mark.parametrize("gib", ["400", "500", "4000"])
def test_storage_that_needs_iops_is_refused_without_them_and_the_parameter_that_has_them_is_named(gib):
    parameters = template.parse("rds-database", "infra/rds-database.yaml", text("rds-database")).parameters

    assert "DatabaseLargeStorage" in (parameters["DatabaseAllocatedStorage"].fault(gib) or "")
    assert parameters["DatabaseLargeStorage"].fault(gib) is None


@pytest.mark.parametrize("gib", ["1", "20", "399", "0400", "65537", "100000", ""])
def test_large_storage_is_400_to_65536_gib_or_none(gib):
    parameters = template.parse("rds-database", "infra/rds-database.yaml", text("rds-database")).parameters

    assert "must be 400 to 65536, or 0" in (parameters["DatabaseLargeStorage"].fault(gib) or "")
    assert [None, None] == [parameters["DatabaseLargeStorage"].fault(one) for one in ("0", "65536")]


def test_a_server_without_a_name_of_its_own_keeps_the_one_it_has_and_the_log_group_that_rds_made():
    resources = chosen(read("rds-database"), {"DatabaseServerName": "generated"})["Resources"]

    assert "ErrorLog" not in resources
    assert "DBInstanceIdentifier" not in resources["Database"]["Properties"]
