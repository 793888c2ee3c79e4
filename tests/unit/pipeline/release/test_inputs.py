"""What stacks read from SSM: missing is not new, nothing is invented, and a change is released."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.cloudformation.outside import INPUT_VERSIONS
from pipeline.errors import MissingInputError
from pipeline.release import deploy as release
from pipeline.release.deploy import Released
from tests.support.fakes import START, Audience, FakeSession, FakeSsm, client_error
from tests.support.small_project import SECRET, World, world

KEY = "/orders/dev/key"
TASKS = (
    "Resources:\n"
    "  Tasks:\n"
    "    Type: AWS::ECS::TaskDefinition\n"
    "    Properties:\n"
    "      ExecutionRoleArn: !GetAtt Role.Arn\n"
    "      ContainerDefinitions:\n"
    "        - {Name: app, Image: i, Secrets: [{Name: KEY, ValueFrom: " + KEY + "}]}\n"
)


class Counting(FakeSsm):
    """An SSM that keeps what it was asked about, and denies some names."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.denied: set[str] = set()

    def get_parameters(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request["Names"])
        if self.denied & set(request["Names"]):
            raise client_error("GetParameters", "AccessDeniedException", "not authorized")
        return super().get_parameters(**request)


class Trail:
    """A CloudTrail that knows of one deletion, or may not be read."""

    def __init__(self, name: str, *, readable: bool = True) -> None:
        self.name, self.readable = name, readable

    def lookup_events(self, **_: Any) -> dict[str, Any]:
        if not self.readable:
            raise client_error("LookupEvents", "AccessDeniedException", "not authorized")
        event = {
            "requestParameters": {"name": self.name},
            "userIdentity": {"arn": "arn:aws:iam::000000000000:user/carl"},
        }
        lock = {"requestParameters": {"name": "/slipway/orders/dev/lock"}}
        return {"Events": [{"CloudTrailEvent": json.dumps(e), "EventTime": START} for e in (lock, event)]}


@pytest.fixture
def ssm() -> Counting:
    return Counting()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ssm: Counting) -> World:
    made = world(tmp_path, ssm=ssm, cloudtrail=Trail(SECRET))
    made.ssm = ssm
    [tags] = made.ecr.images.values()
    monkeypatch.setattr(FakeSession, "version", tags[0])
    monkeypatch.setattr(requests, "Session", FakeSession)
    return made


def deploy(here: World) -> tuple[Released, Audience]:
    audience = Audience()
    return release.deploy(here.context, audience, lambda _, __: None), audience


def words(released: Released) -> dict[str, str]:
    return {name: o.result.word if o.result else o.ending.value for name, o in released.nodes.items()}


def edited(here: World, name: str, old: str, new: str) -> World:
    file = here.context.project.templates / f"{name}.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return here.reread()


def with_a_task(
    here: World, parameter: str = f"  {INPUT_VERSIONS}: {{Type: String, Default: none}}\n"
) -> World:
    """The service's tasks have a secret that somebody put into SSM."""
    here.ssm.put_parameter(Name=KEY, Value="old", Type="SecureString", Overwrite=True)
    here = edited(here, "app", "Resources:\n", TASKS)
    return edited(here, "app", "Parameters:\n", f"Parameters:\n{parameter}")


def body_of(here: World, name: str) -> str:
    found = here.cloudformation._find(name)
    assert found is not None
    return str(found["Body"])


def given(here: World, name: str) -> str:
    parameters = here.cloudformation.last_request["Parameters"]
    return next(p["ParameterValue"] for p in parameters if p["ParameterKey"] == name)


# -- missing is not new -----------------------------------------------------------------------------------


def test_a_secret_that_is_gone_is_not_made_anew_and_nothing_is_touched(here: World) -> None:
    deploy(here)
    here.cloudformation.log.clear()
    del here.ssm.values[SECRET]
    here = edited(here, "rds", "Outputs", "Description: edited\nOutputs")

    with pytest.raises(MissingInputError) as refused:
        deploy(here)

    assert 24 == refused.value.exit_code
    assert f"orders-dev-rds was made with {SECRET}, which is not there any more" == refused.value.what
    assert "infra/rds.yaml:3" == refused.value.where
    assert SECRET not in here.ssm.values
    assert [] == here.cloudformation.log


def test_it_says_since_when_and_how_the_old_value_comes_back(here: World) -> None:
    deploy(here)
    del here.ssm.values[SECRET]

    with pytest.raises(MissingInputError) as refused:
        deploy(here)

    [detail] = refused.value.details
    assert "deleted 2026-11-23 12:00 UTC by arn:aws:iam::000000000000:user/carl" in detail
    assert "aws ssm put-parameter --region eu-west-1" in refused.value.next_step
    assert "--value file:///dev/stdin" in refused.value.next_step


def test_where_cloudtrail_may_not_be_read_it_says_that_it_does_not_know(here: World) -> None:
    deploy(here)
    del here.ssm.values[SECRET]
    here.context.aws._clients["cloudtrail"] = Trail(SECRET, readable=False)  # type: ignore[attr-defined]

    with pytest.raises(MissingInputError) as refused:
        deploy(here)

    assert "since when is not known" in refused.value.details[0]


def test_with_the_old_value_put_back_the_next_deploy_goes_on(here: World) -> None:
    deploy(here)
    del here.ssm.values[SECRET]
    here.ssm.now += timedelta(hours=1)
    here.ssm.put_parameter(Name=SECRET, Value="old", Type="SecureString", Overwrite=True)

    released, _ = deploy(here)

    assert "updated" == words(released)["rds"]
    assert "old" == here.ssm.values[SECRET]["Value"]


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_stack_that_never_came_to_be_gets_its_secret(here: World, status: str) -> None:
    here.cloudformation.have("orders-dev-rds", status)

    _, audience = deploy(here)

    assert f"rds: created the secret {SECRET}" in audience.lines


def test_a_secret_that_a_template_declares_later_is_made_beside_those_it_has(here: World) -> None:
    deploy(here)
    here = edited(here, "rds", "[password]", "[password, session]")

    released, audience = deploy(here)

    assert released.failure is None
    assert "rds: created the secret /orders/dev/session" in audience.lines


# -- nothing is invented ----------------------------------------------------------------------------------


def test_a_misspelt_reference_gets_no_value_and_nothing_is_touched(here: World) -> None:
    here = edited(here, "rds", "/password}}", "/pasword}}")

    with pytest.raises(MissingInputError) as refused:
        deploy(here)

    assert "infra/rds.yaml names /orders/dev/pasword, which does not exist" == refused.value.what
    assert "infra/rds.yaml:3" == refused.value.where
    assert [] == here.cloudformation.log
    assert [] == [name for name in here.ssm.values if not name.startswith("/slipway/")]


def test_a_task_definitions_secret_must_exist_too(here: World) -> None:
    here = with_a_task(here)
    del here.ssm.values[KEY]

    with pytest.raises(MissingInputError) as refused:
        deploy(here)

    assert f"infra/app.yaml names {KEY}, which does not exist" == refused.value.what
    assert [] == here.cloudformation.log


def test_a_parameter_that_a_template_makes_is_no_missing_one(here: World) -> None:
    here = with_a_task(here)
    properties = f"{{Name: {KEY}, Type: String, Value: x}}"
    host = f"  Host: {{Type: 'AWS::SSM::Parameter', Properties: {properties}}}\nOutputs"
    here = edited(here, "app", "Outputs", host)
    del here.ssm.values[KEY]

    released, _ = deploy(here)

    assert released.failure is None


# -- another version is a change --------------------------------------------------------------------------


def test_a_secret_whose_value_changed_is_another_revision_of_the_tasks(here: World) -> None:
    here = with_a_task(here)
    deploy(here)
    before = given(here, INPUT_VERSIONS)
    here.ssm.put_parameter(Name=KEY, Value="new-value", Type="SecureString", Overwrite=True)

    released, audience = deploy(here)

    assert {"app": "updated"} == {n: word for n, word in words(released).items() if word != "unchanged"}
    assert before != given(here, INPUT_VERSIONS)
    assert f"app: {KEY} changed: version 1, now 2" in audience.lines
    assert not [line for line in audience.lines if "new-value" in line]


def test_a_resolved_secret_whose_value_changed_is_a_change_that_cloudformation_sees(here: World) -> None:
    deploy(here)
    here.ssm.put_parameter(Name=SECRET, Value="new", Type="SecureString", Overwrite=True)

    released, _ = deploy(here)

    assert {"rds": "updated"} == {n: word for n, word in words(released).items() if word != "unchanged"}
    assert "/password:2}}" in body_of(here, "orders-dev-rds")


def test_a_template_that_carries_no_versions_is_told_that_its_tasks_keep_the_old_value(here: World) -> None:
    here = with_a_task(here, parameter="")
    deploy(here)
    here.ssm.put_parameter(Name=KEY, Value="new", Type="SecureString", Overwrite=True)

    _, audience = deploy(here)

    assert [line for line in audience.lines if "no task gets it" in line and INPUT_VERSIONS in line]


def test_a_parameter_whose_value_stands_in_ssm_is_a_change_when_that_changes(here: World) -> None:
    here.ssm.put_parameter(Name="/shared/size", Value="1", Type="String", Overwrite=True)
    size = "  Size: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /shared/size}\n"
    here = edited(here, "app", "Parameters:\n", f"Parameters:\n{size}")
    deploy(here)
    here.ssm.put_parameter(Name="/shared/size", Value="2", Type="String", Overwrite=True)

    released, _ = deploy(here)

    assert {"app": "updated"} == {n: word for n, word in words(released).items() if word != "unchanged"}


def test_a_plain_reference_without_a_version_is_a_change_when_its_value_changes(here: World) -> None:
    here.ssm.put_parameter(Name="/shared/size", Value="1", Type="String", Overwrite=True)
    here = edited(here, "vpc", "10.0.0.0/16", "'{{resolve:ssm:/shared/size}}'")
    deploy(here)
    here.ssm.put_parameter(Name="/shared/size", Value="2", Type="String", Overwrite=True)

    released, _ = deploy(here)

    assert "updated" == words(released)["vpc"]
    assert "{{resolve:ssm:/shared/size:2}}" in body_of(here, "orders-dev-vpc")


def test_of_a_template_with_an_include_only_cloudformation_can_tell(here: World) -> None:
    include = "Transform: {Name: 'AWS::Include', Parameters: {Location: 's3://bucket/key'}}\nResources"
    here = edited(here, "vpc", "Resources", include)
    deploy(here)
    here.cloudformation.log.clear()

    deploy(here)

    assert "create_change_set UPDATE orders-dev-vpc" in here.cloudformation.log
    assert not [line for line in here.cloudformation.log if "rds" in line]


# -- what it costs ----------------------------------------------------------------------------------------


def test_where_nothing_changed_one_call_looks_at_everything_that_every_stack_reads(
    here: World, ssm: Counting
) -> None:
    here = with_a_task(here)
    deploy(here)
    ssm.asked.clear()

    released, _ = deploy(here)

    assert {"unchanged"} == set(words(released).values())
    assert [[KEY, SECRET]] == ssm.asked


def test_a_parameter_that_these_credentials_may_not_read_holds_nothing_up(here: World, ssm: Counting) -> None:
    """The role that starts the tasks may read it, and that is enough."""
    here = with_a_task(here)
    ssm.denied = {KEY}

    first, _ = deploy(here)
    again, _ = deploy(here)

    assert (None, None) == (first.failure, again.failure)
    assert {"unchanged"} == set(words(again).values())
