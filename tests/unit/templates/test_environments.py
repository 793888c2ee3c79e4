"""Templates and environment files fit together: every parameter is filled, in every environment."""

import dataclasses
import functools

import pytest

from pipeline.cloudformation.interruptions import APPLY_IMMEDIATELY
from pipeline.config import environment
from pipeline.config.environment import NAME
from pipeline.config.project import SERVICE_NAME
from pipeline.errors import EnvironmentFileError, TemplateError
from pipeline.graph import graph, refused, template, template_rules
from tests.unit.templates.reading import ENVIRONMENTS, INFRA, NAMES, read, text
from tests.unit.templates.variants import chosen

SERVICE = "orders"


@functools.cache
def templates():
    return template.load_all(INFRA)


@functools.cache
def load(name):
    return environment.load(name, INFRA / "environments")


def changed(name, **parameters):
    before = load(name)
    return before.model_copy(update={"parameters": {**before.parameters, **parameters}})


def without_output(name, output):
    return [
        dataclasses.replace(t, outputs=t.outputs - {output}) if t.name == name else t for t in templates()
    ]


def test_the_four_environments_ship():
    assert ("dev", "local", "prod", "staging") == ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_parameter_is_filled(name):
    nodes = graph.derive(templates(), load(name), SERVICE).values()
    stacks = [node for node in nodes if isinstance(node, graph.StackNode)]

    assert {node.name: set(node.template.parameters) for node in stacks} == {
        node.name: set(node.given) | set(node.wired) for node in stacks
    }


def test_order_follows_from_names_alone():
    needs = {
        name: set(node.needs) for name, node in graph.derive(templates(), load("local"), SERVICE).items()
    }

    assert {
        "vpc-network": set(),
        "ecr": set(),
        "ecs-cluster": set(),
        "image": {"ecr"},
        "rds-database": {"vpc-network"},
        "ecs-stack": {"vpc-network", "ecr", "ecs-cluster", "rds-database", "image"},
    } == needs


def test_production_waits_for_the_maintenance_window_and_no_other_environment_does():
    given = {
        name: graph.derive(templates(), load(name), SERVICE)["rds-database"].given for name in ENVIRONMENTS
    }

    assert ["prod"] == [name for name, values in given.items() if values[APPLY_IMMEDIATELY] == "false"]


def test_only_the_repository_is_shared_by_all_environments():
    assert ["ecr"] == [t.name for t in templates() if not t.per_environment]


@pytest.mark.parametrize(
    ("name", "output"),
    [("vpc-network", "VpcId"), ("rds-database", "DatabaseParameterPath"), ("ecr", "RepositoryArn")],
)
def test_a_parameter_that_nothing_fills_any_more_is_refused(name, output):
    with pytest.raises(TemplateError) as refused:
        graph.derive(without_output(name, output), load("local"), SERVICE)

    assert f"nothing fills the parameter {output}" in "\n".join(refused.value.details)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (
            "AllowedHttpMethods",
            "GET,HEAD,POST,PUT",
            "an Application Load Balancer takes at most three values",
        ),
        ("AllowedHttpMethods", "GET,FETCH", "must be one to three of GET, HEAD, POST"),
        ("AllowedHttpMethods", "", "must be one to three of GET, HEAD, POST"),
        ("TaskCount", "0", "must be at least 1"),
        ("StopTimeoutSeconds", "121", "must be at most 120"),
        ("VpcCidr", "10.0.0.0/8", "must be a private IPv4 block between /16 and /22"),
        ("VpcCidr", "10.0.256.0/16", "must be a private IPv4 block between /16 and /22"),
        ("VpcCidr", "172.32.0.0/16", "must be a private IPv4 block between /16 and /22"),
        ("VpcCidr", "192.0.2.0/22", "must be a private IPv4 block between /16 and /22"),
        ("DatabaseEngineVersion", "8.0", "must be 8.4 or 8.4.x"),
        ("DatabaseRetention", "Keep", "allowed are Snapshot, Delete"),
    ],
)
def test_a_value_that_aws_would_refuse_is_refused_before_any_call(key, value, reason):
    with pytest.raises(EnvironmentFileError) as refused:
        graph.derive(templates(), changed("dev", **{key: value}), SERVICE)

    assert reason in "\n".join(refused.value.details)


@pytest.mark.parametrize(
    ("key", "pattern", "shortest"), [("ServiceName", SERVICE_NAME, "ab"), ("EnvironmentName", NAME, "a")]
)
def test_every_template_takes_the_names_that_the_pipeline_takes_and_no_others(key, pattern, shortest):
    good = [shortest, "shop", "shop-2", "x" * 20, "awning"]
    bad = [shortest[1:], "x" * 21, "1st", "Shop", "shop-", "a--b", "-a", "a_b"]
    asked = {name: template.parse(name, name, text(name)).parameters for name in NAMES}

    assert good == [one for one in [*good, *bad] if pattern.fullmatch(one)]
    assert [] == [
        (name, one)
        for name, parameters in asked.items()
        for one in [*good, *bad, "aws-x", "awsome", "ssm", "slipway", "slipways"]
        if key in parameters and (parameters[key].fault(one) is None) != bool(pattern.fullmatch(one))
    ]


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
MIB = {
    "256": {512, 1024, 2048},
    "512": set(range(1024, 4097, 1024)),
    "1024": set(range(2048, 8193, 1024)),
    "2048": set(range(4096, 16385, 1024)),
    "4096": set(range(8192, 30721, 1024)),
    "8192": set(range(16384, 61441, 4096)),
    "16384": set(range(32768, 122881, 8192)),
}


@pytest.mark.parametrize("name", ["ecs-stack", "microservice"])
def test_a_task_has_one_of_the_sizes_that_fargate_has(name):
    parsed = template.parse(name, name, text(name))
    cpus = parsed.parameters["TaskCpu"].rules["AllowedValues"]

    taken = {
        str(cpu): {
            memory
            for memory in range(512, 122881, 512)
            if not template_rules.broken(parsed.rules, {"TaskCpu": str(cpu), "TaskMemory": str(memory)})
        }
        for cpu in cpus
    }

    assert MIB == taken


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TaskCpu": "256", "TaskMemory": "4096"}, "with TaskCpu 256, TaskMemory must be 512, 1024 or 2048"),
        ({"FirstZone": "1"}, "FirstZone and SecondZone must be two different Availability Zones"),
    ],
)
def test_values_that_do_not_go_together_are_refused_before_any_call(changes, reason):
    with pytest.raises(EnvironmentFileError) as refused:
        graph.derive(templates(), changed("dev", **changes), SERVICE)

    assert 3 == refused.value.exit_code
    assert [reason] == [fault.partition(": ")[2].rpartition(" (")[0] for fault in refused.value.details]


@pytest.mark.parametrize("methods", ["GET", "GET,HEAD", "PUT,PATCH,DELETE"])
def test_one_to_three_methods_are_taken(methods):
    nodes = graph.derive(templates(), changed("dev", AllowedHttpMethods=methods), SERVICE)

    assert methods == nodes["ecs-stack"].given["AllowedHttpMethods"]


@pytest.mark.parametrize("block", ["10.255.0.0/16", "172.16.0.0/17", "172.31.240.0/22", "192.168.0.0/16"])
def test_every_private_block_is_taken(block):
    nodes = graph.derive(templates(), changed("dev", VpcCidr=block), SERVICE)

    assert block == nodes["vpc-network"].given["VpcCidr"]


def test_the_defaults_are_those_of_the_article():
    defaults = {
        p.name: p.default for t in templates() for p in t.parameters.values() if p.default is not None
    }

    assert {
        "VpcCidr": "10.0.0.0/16",
        "AllowedHttpMethods": "GET,HEAD,POST",
        "DatabaseEngineVersion": "8.4",
        "DatabaseInstanceClass": "db.t4g.micro",
        "DatabaseRetention": "Snapshot",
    }.items() <= defaults.items()


def test_production_is_protected_and_keeps_what_it_has():
    production = load("prod")

    assert production.protected
    assert {
        "DatabaseRetention": "Snapshot",
        "DatabaseDeletionProtection": "true",
        "DatabaseMultiAz": "true",
        "LoadBalancerDeletionProtection": "true",
    }.items() <= production.parameters.items()


def test_the_rehearsal_matches_no_real_account():
    assert "000000000000" == load("local").account


def test_only_the_local_environment_is_local():
    assert ["local"] == [name for name in ENVIRONMENTS if load(name).target == "local"]


def test_the_default_of_every_parameter_is_a_value_it_takes():
    faults = {
        f"{t.name}.{parameter.name}": parameter.fault(parameter.default)
        for t in templates()
        for parameter in t.parameters.values()
        if parameter.default is not None
    }

    assert {} == {name: fault for name, fault in faults.items() if fault}


def test_an_environment_file_repeats_no_default():
    """A file says what differs; a value that equals the Default everywhere would hide what does."""
    defaults = {
        p.name: p.default for t in templates() for p in t.parameters.values() if p.default is not None
    }
    said_anyway = {"TaskCount", "DatabaseRetention"}

    assert {} == {
        (name, key): value
        for name in ENVIRONMENTS
        for key, value in load(name).parameters.items()
        if defaults.get(key) == value and key not in said_anyway
    }


def test_the_master_password_and_the_test_traffics_secret_are_what_the_pipeline_makes():
    secrets = {name for t in templates() for name in t.secrets}

    assert {
        "/${ServiceName}/${EnvironmentName}/database/password",
        "/${ServiceName}/${EnvironmentName}/test-traffic/secret",
    } == secrets


def test_the_task_reads_every_database_parameter_that_the_database_template_writes():
    written = {
        resource["Properties"]["Name"]["Fn::Sub"].rpartition("/")[2]
        for resource in read("rds-database")["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    ungated = chosen(read("ecs-stack"), {"DeploymentGate": "false"})

    for container in ungated["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]:
        read_by_it = [secret["ValueFrom"]["Fn::Sub"].rpartition("/") for secret in container["Secrets"]]
        assert written | {"password"} == {
            name for path, _, name in read_by_it if path.endswith("${DatabaseParameterPath}")
        }


def test_a_sixth_template_takes_its_place_by_its_parameters_names():
    parameters = "Parameters: {EnvironmentName: {Type: String}, VpcId: {Type: String}}"
    resources = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    sixth = template.parse("alerts", "infra/alerts.yaml", f"{parameters}\n{resources}")

    nodes = graph.derive([*templates(), sixth], load("dev"), SERVICE)

    assert {"VpcId": "vpc-network"} == nodes["alerts"].wired


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_aws_refuses_no_resource_of_an_environment(name):
    here = load(name)

    refused.must_be_taken(graph.derive(templates(), here, SERVICE).values(), here.region, here.account)


def test_an_instance_class_that_is_not_offered_is_told_with_its_line():
    here = changed("dev", DatabaseInstanceClass="db.t9.micro")
    nodes = graph.derive(templates(), here, SERVICE).values()

    with pytest.raises(TemplateError, match=r"infra/rds-database\.yaml:\d+: Database: RDS does not support"):
        refused.must_be_taken(nodes, here.region, here.account)
