"""CloudFormation's task definition as the API's, and a container definition as Docker's options."""

from local_aws.ecs.api.requests import request_from
from local_aws.ecs.api.task_definitions import with_defaults
from local_aws.ecs.tasks.container_options import container_options, stop_timeout


def test_names_turn_camel_case_at_every_depth() -> None:
    template = {
        "ContainerDefinitions": [{"HealthCheck": {"StartPeriod": 1}, "DependsOn": [{"ContainerName": "a"}]}]
    }

    assert {
        "containerDefinitions": [{"healthCheck": {"startPeriod": 1}, "dependsOn": [{"containerName": "a"}]}]
    } == request_from(template, "RegisterTaskDefinition")


def test_names_that_the_user_chose_stay_as_they_are() -> None:
    container = {"DockerLabels": {"Team": "x"}, "LogConfiguration": {"Options": {"Awslogs-X": True}}}
    request = request_from({"ContainerDefinitions": [container]}, "RegisterTaskDefinition")

    assert [
        {"dockerLabels": {"Team": "x"}, "logConfiguration": {"options": {"Awslogs-X": "true"}}}
    ] == request["containerDefinitions"]


def test_parameters_that_came_as_text_get_their_types() -> None:
    template = {
        "ContainerDefinitions": [
            {
                "Name": "a",
                "Essential": "false",
                "StopTimeout": "30",
                "Environment": [{"Name": "N", "Value": 5}],
            },
            {"Name": "b"},
        ]
    }

    request = request_from(template, "RegisterTaskDefinition")
    first, second = with_defaults(request)["containerDefinitions"]

    assert first["essential"] is False
    assert second["essential"] is True
    assert first["stopTimeout"] == 30
    assert [{"name": "N", "value": "5"}] == first["environment"]


def test_a_container_definition_becomes_docker_options() -> None:
    options = container_options(
        {
            "command": ["serve"],
            "user": "1000",
            "readonlyRootFilesystem": True,
            "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
            "healthCheck": {"command": ["CMD", "orders", "health"], "interval": 5},
            "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/scratch"}],
        },
        {"tmp": "docker-volume"},
    )

    assert {
        "command": ["serve"],
        "user": "1000",
        "read_only": True,
        "init": True,
        "cap_drop": ["ALL"],
        "healthcheck": {
            "test": ["CMD", "orders", "health"],
            "interval": 5_000_000_000,
            "timeout": 5_000_000_000,
            "retries": 3,
            "start_period": 0,
        },
        "volumes": {"docker-volume": {"bind": "/scratch", "mode": "rw,nocopy"}},
    } == options


def test_a_volume_takes_what_the_image_has_there_only_where_the_image_declares_a_volume() -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html"""
    mounts = [
        {"sourceVolume": "a", "containerPath": "/data"},
        {"sourceVolume": "b", "containerPath": "/scratch", "readOnly": True},
    ]
    options = container_options({"mountPoints": mounts}, {"a": "volume-a", "b": "volume-b"}, {"/data": {}})

    assert {
        "volume-a": {"bind": "/data", "mode": "rw"},
        "volume-b": {"bind": "/scratch", "mode": "ro,nocopy"},
    } == options["volumes"]


def test_the_stop_timeout_is_fargates_unless_given() -> None:
    assert stop_timeout({}) == 30
    assert stop_timeout({"stopTimeout": 5}) == 5
