"""What the service stack promises to the container, and what it asks of it, is what the app in app/ has.

The two know each other only by names: environment variables, ports, paths and commands.
"""

from pathlib import Path

import pytest
from orders.actuator import Facts, make_actuator
from orders.cli import USAGE
from orders.readiness import Lifecycle
from orders.server import KEEP_ALIVE_SECONDS
from orders.settings import Settings
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine

from pipeline.config import environment
from tests.unit.templates.reading import ENVIRONMENTS, INFRA, of_type, read, reference
from tests.unit.templates.variants import chosen

DIGEST = "sha256:" + "a" * 64
FROM_THE_PIPELINE = {"ImageUri": f"orders@{DIGEST}", "ServiceName": "orders"}
IN_SSM = {"DATABASE_HOST": "db", "DATABASE_PORT": "3306", "DATABASE_NAME": "app", "DATABASE_USER": "app"}


def only(template, kind):
    ((_, properties),) = of_type(template, kind)
    return properties


def containers(**values):
    task = only(chosen(read("ecs-stack"), {"DeploymentGate": "false", **values}), "AWS::ECS::TaskDefinition")
    return {container["Name"]: container for container in task["ContainerDefinitions"]}


def variables(container, values):
    """The environment that ECS would start this container with."""
    defaults = {name: parameter.get("Default") for name, parameter in read("ecs-stack")["Parameters"].items()}
    known = {**defaults, **FROM_THE_PIPELINE, **values}
    plain = {entry["Name"]: str(known[reference(entry["Value"])]) for entry in container["Environment"]}
    secret = {entry["Name"]: IN_SSM.get(entry["Name"], "s3cr3t") for entry in container["Secrets"]}
    return {**plain, **secret}


@pytest.mark.parametrize("container", ["migrate", "app"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_app_takes_the_settings_that_each_environment_gives_it(name, container, monkeypatch):
    values = {**environment.load(name, INFRA / "environments").parameters, "EnvironmentName": name}
    for variable in Settings.model_fields:
        monkeypatch.delenv(variable.upper(), raising=False)
    for variable, value in variables(containers()[container], values).items():
        monkeypatch.setenv(variable, value)

    settings = Settings()

    assert (name, DIGEST, "s3cr3t") == (
        settings.environment_name,
        settings.image_digest,
        settings.database_password.get_secret_value(),
    )


@pytest.mark.parametrize("container", ["migrate", "app"])
def test_every_variable_of_the_task_definition_is_a_setting_of_the_app(container):
    given = {variable.lower() for variable in variables(containers()[container], {"EnvironmentName": "dev"})}

    assert set() == given - set(Settings.model_fields)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"DeploymentGate": "true"}, ["app"]),
        ({"DeploymentGate": "false"}, ["migrate", "app"]),
        ({"DeploymentGate": "true", "DeploymentStrategy": "ROLLING"}, ["migrate", "app"]),
    ],
)
def test_a_task_migrates_by_itself_only_where_no_gate_does_it(values, names):
    assert names == list(containers(**values))
    assert ("migrate" in names) == ("DependsOn" in containers(**values)["app"])


def test_the_ports_of_the_task_definition_are_those_the_app_listens_on():
    fields = Settings.model_fields

    assert {"api": fields["api_port"].default, "actuator": fields["actuator_port"].default} == {
        mapping["Name"]: mapping["ContainerPort"] for mapping in containers()["app"]["PortMappings"]
    }


def test_the_load_balancer_asks_a_path_that_the_actuator_answers():
    facts = Facts.of(Settings.model_construct(**dict.fromkeys(Settings.model_fields, "")))
    actuator = make_actuator(
        facts=facts, lifecycle=Lifecycle(), registry=CollectorRegistry(), probe=create_engine("sqlite://")
    )
    paths = {route.path for route in actuator.routes}

    for _, group in of_type(read("ecs-stack"), "AWS::ElasticLoadBalancingV2::TargetGroup"):
        assert group["HealthCheckPath"] in paths


def test_the_containers_run_commands_that_the_app_has():
    health = read("ecs-stack")["Parameters"]["HealthCheckCommand"]["Default"].split(",")
    asked = {containers()["migrate"]["Command"][0], containers()["app"]["Command"][0], health[-1]}

    assert set(USAGE.removeprefix("usage: orders ").split(" | ")) == asked


def test_the_image_brings_the_program_that_the_container_health_check_starts():
    health = read("ecs-stack")["Parameters"]["HealthCheckCommand"]["Default"].split(",")
    dockerfile = (Path(__file__).parents[2] / "app" / "Dockerfile").read_text(encoding="utf-8")

    assert f'ENTRYPOINT ["{health[1]}"]' in dockerfile


def test_the_app_keeps_idle_connections_open_for_longer_than_the_load_balancer():
    attributes = only(read("ecs-stack"), "AWS::ElasticLoadBalancingV2::LoadBalancer")[
        "LoadBalancerAttributes"
    ]
    (idle,) = [int(a["Value"]) for a in attributes if a["Key"] == "idle_timeout.timeout_seconds"]

    assert idle < KEEP_ALIVE_SECONDS
