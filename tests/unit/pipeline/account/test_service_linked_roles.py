"""The service-linked roles of an account: made, there already, or not to be made by these credentials."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from pipeline.account import service_linked_roles
from tests.support.fakes import client_error


class FakeIam:
    """Answers CreateServiceLinkedRole. refusals: the name of a service -> code and message."""

    def __init__(self, **refusals: tuple[str, str]) -> None:
        self.refusals = refusals
        self.made: list[str] = []

    def create_service_linked_role(self, **request: Any) -> dict[str, Any]:
        service = request["AWSServiceName"]
        if refused := self.refusals.get(service.partition(".")[0]):
            raise client_error("CreateServiceLinkedRole", *refused)
        self.made.append(service)
        return {}


def said(iam: FakeIam) -> list[str]:
    lines: list[str] = []
    service_linked_roles.create(cast(Any, iam), lines.append)
    return lines


def test_what_is_missing_is_made_and_what_is_there_stays() -> None:
    iam = FakeIam(
        ecs=("InvalidInput", "Service role name AWSServiceRoleForECS has been taken in this account")
    )

    lines = said(iam)

    assert ["elasticloadbalancing.amazonaws.com", "rds.amazonaws.com"] == iam.made
    assert [
        "the service-linked role of ECS: there already",
        "the service-linked role of Elastic Load Balancing: made",
        "the service-linked role of RDS: made",
    ] == lines


def test_a_role_that_may_not_be_made_is_said_and_stops_nothing() -> None:
    iam = FakeIam(ecs=("AccessDenied", "User: x is not authorized to perform: iam:CreateServiceLinkedRole"))

    lines = said(iam)

    assert "may not iam:CreateServiceLinkedRole" in lines[0]
    assert 2 == len(iam.made)


def test_another_invalid_input_is_no_role_that_is_there() -> None:
    iam = FakeIam(rds=("InvalidInput", "Service name is not valid."))

    with pytest.raises(ClientError, match="not valid"):
        said(iam)
