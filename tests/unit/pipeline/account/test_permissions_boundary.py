"""The boundary on a release's roles follows from who releases, and stays."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.account import permissions_boundary
from pipeline.aws.parameters import ParameterVersions
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import StackDescription
from pipeline.cloudformation.status import StackStatus
from pipeline.errors import RolloutRefusedError
from pipeline.graph import template
from pipeline.release import destroy
from pipeline.release.service_step import ServiceStep
from tests.support.fakes import Audience, FakeCloudFormation, FakeSsm
from tests.support.small_project import FILES, World, world

BODY = "Parameters: {PermissionsBoundaryArn: {Type: String, Default: ''}}\nResources: {A: {Type: X}}"
DEPLOY_ROLE = "arn:aws:sts::000000000000:assumed-role/orders-dev-deploy/slipway-1"
BOUNDARY = "arn:aws:iam::000000000000:policy/orders-boundary"


class Sts:
    def __init__(self, arn: str) -> None:
        self.arn = arn

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "000000000000", "Arn": self.arn}


def given(root: Path, caller: str, current: str | None = None, own: str = "", body: str = BODY) -> str | None:
    context = world(root, sts=Sts(caller)).context
    spec = StackSpec("orders-dev-app", template.parse("app", "infra/app.yaml", body), {}, {})
    if own:
        spec = dataclasses.replace(spec, parameters={permissions_boundary.PARAMETER: own})
    there = {permissions_boundary.PARAMETER: current} if current is not None else {}
    now = (
        StackDescription("s", "id", StackStatus("CREATE_COMPLETE"), "", there, {}, {}, "")
        if current is not None
        else None
    )
    return permissions_boundary.add(context, spec, now).parameters.get(permissions_boundary.PARAMETER)


@pytest.mark.parametrize("current", [None, "", "arn:aws:iam::000000000000:policy/another"])
def test_the_deploy_role_puts_its_boundary_on_every_role(tmp_path: Path, current: str | None) -> None:
    assert BOUNDARY == given(tmp_path, DEPLOY_ROLE, current)


def test_whoever_else_releases_keeps_what_the_stack_has(tmp_path: Path) -> None:
    assert BOUNDARY == given(tmp_path, "arn:aws:iam::000000000000:user/somebody", BOUNDARY)


@pytest.mark.parametrize("current", [None, ""])
def test_without_bootstrap_there_is_no_boundary(tmp_path: Path, current: str | None) -> None:
    assert not given(tmp_path, "arn:aws:iam::000000000000:root", current)


def test_a_boundary_of_the_environment_file_stays(tmp_path: Path) -> None:
    assert "arn:mine" == given(tmp_path, DEPLOY_ROLE, own="arn:mine")


def test_a_template_that_takes_none_is_given_none(tmp_path: Path) -> None:
    assert given(tmp_path, DEPLOY_ROLE, body="Resources: {A: {Type: X}}") is None


NAME = "orders-dev-app"


def change(logical_id: str, kind: str) -> dict[str, Any]:
    details = [{"Target": {"Attribute": "Properties", "Name": "Something"}}]
    named = {"LogicalResourceId": logical_id, "ResourceType": kind}
    return {"ResourceChange": {"Action": "Modify", "Details": details, **named}}


class Roles(FakeCloudFormation):
    """A CloudFormation that says what a change set of parameters alone would change, and keeps requests."""

    def __init__(self) -> None:
        super().__init__()
        self.by_parameters = [change("Role", permissions_boundary.ROLE)]
        self.requests: list[dict[str, Any]] = []

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        alone = request.get("UsePreviousTemplate", False)
        self.changes = self.by_parameters if alone else [change("Service", "AWS::ECS::Service")]
        return super().create_change_set(**request)


class NoFingerprints:
    versions = ParameterVersions(cast(Any, FakeSsm()))

    def reads(self, _: str) -> dict[str, str]:
        return {}

    def is_unchanged(self, *_: Any) -> bool:
        return False

    def record(self, *_: Any) -> None: ...


class Stage:
    """A stack with a role that was deployed without GitHub, and the deploy role, which finds it."""

    def __init__(self, root: Path, boundary: str = "", status: str = "UPDATE_COMPLETE") -> None:
        self.cloudformation = Roles()
        here = world(root, sts=Sts(DEPLOY_ROLE), cloudformation=self.cloudformation)
        parameter, role = (
            f"  {permissions_boundary.PARAMETER}: {{Type: String, Default: ''}}\n",
            "  Role: {Type: 'AWS::IAM::Role'}\n",
        )
        body = FILES["infra/app.yaml"].replace("Resources:\n", f"{parameter}Resources:\n{role}")
        (root / "infra/app.yaml").write_text(body)
        self.here: World = here.reread()
        stack_id = self.cloudformation.have(NAME, status)
        has = {permissions_boundary.PARAMETER: boundary, "VpcId": "vpc-1"}
        self.cloudformation.stacks[stack_id]["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in has.items()
        ]
        self.said: list[str] = []

    def release(self) -> None:
        context, fingerprints = self.here.context, cast(Any, NoFingerprints())
        outputs = {"vpc": {"VpcId": "vpc-1"}, "rds": {"DatabaseEndpoint": "db"}, "image": {"ImageUri": "new"}}
        ServiceStep(context, context.stacks["app"], self.said.append, fingerprints).run(outputs)


def test_a_stack_deployed_without_the_boundary_is_told_it_before_the_release(tmp_path: Path) -> None:
    """So that a release that is rolled back leaves it on: the deploy role may not take it off again."""
    it = Stage(tmp_path)

    it.release()

    before, release = it.cloudformation.requests
    assert [f"create_change_set UPDATE {NAME}", f"execute {NAME}"] * 2 == it.cloudformation.log
    assert [
        {"ParameterKey": permissions_boundary.PARAMETER, "ParameterValue": BOUNDARY},
        {"ParameterKey": "VpcId", "UsePreviousValue": True},
    ] == before["Parameters"]
    assert {"ParameterKey": permissions_boundary.PARAMETER, "ParameterValue": BOUNDARY} in release[
        "Parameters"
    ]
    assert "TemplateBody" in release
    told = f"telling the stack the boundary of its roles: {permissions_boundary.PARAMETER} {BOUNDARY}"
    assert f"{told} (it had {permissions_boundary.PARAMETER} none)" == it.said[0]


@pytest.mark.parametrize(
    ("boundary", "status"),
    [(BOUNDARY, "UPDATE_COMPLETE"), ("", "ROLLBACK_COMPLETE")],
    ids=["worn", "never lived"],
)
def test_a_stack_that_has_the_boundary_or_never_lived_costs_no_update_more(
    tmp_path: Path, boundary: str, status: str
) -> None:
    it = Stage(tmp_path, boundary, status)

    it.release()

    assert 1 == len(it.cloudformation.requests)


def test_telling_the_boundary_may_change_nothing_but_roles(tmp_path: Path) -> None:
    it = Stage(tmp_path)
    too_much = change("Service", "AWS::ECS::Service")
    too_much["ResourceChange"]["Details"][0]["CausingEntity"] = permissions_boundary.PARAMETER
    it.cloudformation.by_parameters.append(too_much)

    with pytest.raises(RolloutRefusedError, match="can't be told the boundary of its roles") as refused:
        it.release()

    assert "Service" == refused.value.why
    assert "delete_change_set" == it.cloudformation.log[-1]


def test_a_stack_deployed_without_the_boundary_is_told_it_before_it_is_deleted(tmp_path: Path) -> None:
    it = Stage(tmp_path)

    assert destroy.destroy(it.here.context, Audience()) is None
    assert [
        f"create_change_set UPDATE {NAME}",
        f"execute {NAME}",
        f"delete {NAME}",
    ] == it.cloudformation.log
