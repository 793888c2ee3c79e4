"""The boundary on a release's roles follows from who releases, and stays."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pipeline import role_boundary, template
from pipeline.change_set import Wanted
from pipeline.stack_state import Live
from pipeline.status import StackStatus
from tests.small_project import world

BODY = "Parameters: {PermissionsBoundaryArn: {Type: String, Default: ''}}\nResources: {A: {Type: X}}"
DEPLOY_ROLE = "arn:aws:sts::000000000000:assumed-role/orders-dev-deploy/slipway-1"
BOUNDARY = "arn:aws:iam::000000000000:policy/orders-boundary"


class Sts:
    def __init__(self, arn: str) -> None:
        self.arn = arn

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "000000000000", "Arn": self.arn}


def given(root: Path, caller: str, live: str | None = None, own: str = "", body: str = BODY) -> str | None:
    setting = world(root, sts=Sts(caller)).setting
    wanted = Wanted("orders-dev-app", template.parse("app", "infra/app.yaml", body), {}, {})
    if own:
        wanted = dataclasses.replace(wanted, parameters={role_boundary.PARAMETER: own})
    there = {role_boundary.PARAMETER: live} if live is not None else {}
    now = Live("s", "id", StackStatus("CREATE_COMPLETE"), "", there, {}, {}, "") if live is not None else None
    return role_boundary.given(setting, wanted, now).parameters.get(role_boundary.PARAMETER)


@pytest.mark.parametrize("live", [None, "", "arn:aws:iam::000000000000:policy/another"])
def test_the_deploy_role_puts_its_boundary_on_every_role(tmp_path: Path, live: str | None) -> None:
    assert BOUNDARY == given(tmp_path, DEPLOY_ROLE, live)


def test_whoever_else_releases_keeps_what_the_stack_has(tmp_path: Path) -> None:
    assert BOUNDARY == given(tmp_path, "arn:aws:iam::000000000000:user/somebody", BOUNDARY)


@pytest.mark.parametrize("live", [None, ""])
def test_without_bootstrap_there_is_no_boundary(tmp_path: Path, live: str | None) -> None:
    assert not given(tmp_path, "arn:aws:iam::000000000000:root", live)


def test_a_boundary_of_the_environment_file_stays(tmp_path: Path) -> None:
    assert "arn:mine" == given(tmp_path, DEPLOY_ROLE, own="arn:mine")


def test_a_template_that_takes_none_is_given_none(tmp_path: Path) -> None:
    assert given(tmp_path, DEPLOY_ROLE, body="Resources: {A: {Type: X}}") is None
