"""What RDS refuses on the free plan is said for each environment, with the values that RDS takes."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from pipeline.account import free_plan
from pipeline.config import environment, project
from pipeline.context import Context, nodes_of
from tests.support.fakes import FakeAws, client_error
from tests.support.repository import ROOT

PROD = [
    "DatabaseInstanceClass db.t4g.small of prod; the free plan takes db.t4g.micro or db.t3.micro",
    "DatabaseMultiAz true of prod; the free plan takes false",
    "DatabaseBackupRetentionDays 14 of prod; the free plan takes 0 or 1",
]
PARAMETERS = {
    "dev": {"DatabaseBackupRetentionDays": "1"},
    "staging": {"DatabaseBackupRetentionDays": "0", "DatabaseInstanceClass": "db.t3.micro"},
    "prod": {
        "DatabaseInstanceClass": "db.t4g.small",
        "DatabaseBackupRetentionDays": "14",
        "DatabaseMultiAz": "true",
    },
}


class FakeFreeTier:
    """Answers GetAccountPlanState with `answer`, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_account_plan_state(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def contexts(*names: str, answer: Any = None, region: str = "eu-west-1") -> list[Context]:
    """Environments of the templates of this repository. answer: what the account says of its plan."""
    here, aws = project.find(ROOT), FakeAws(freetier=FakeFreeTier(answer))
    aws.region = region
    dev = environment.load("dev", here.environments)
    every = [dev.model_copy(update={"name": name, "parameters": PARAMETERS[name]}) for name in names]
    return [Context(here, each, nodes_of(here, each), cast(Any, aws)) for each in every]


def said(*names: str, **more: Any) -> list[str]:
    lines: list[str] = []
    free_plan.report(contexts(*names, **more), lines.append)
    return lines


FREE = {"accountPlanType": "FREE", "accountPlanExpirationDate": datetime(2027, 5, 1, tzinfo=UTC)}


def test_the_free_plan_refuses_production_as_it_comes_and_takes_dev_and_staging() -> None:
    lines = said("prod", answer=FREE)

    assert "the account is on the free plan until 2027-05-01" == lines[0]
    assert {f"RDS will refuse {line}" for line in PROD} == set(lines[1:-1])
    assert "upgrade-account-plan" in lines[-1]
    assert ["the account is on the free plan until 2027-05-01"] == said("dev", "staging", answer=FREE)


def test_a_third_database_server_is_one_too_many() -> None:
    lines = said("dev", "staging", "prod", answer=FREE)

    assert (
        "RDS will refuse one of the 3 database servers of dev, staging, prod; the free plan takes 2 at a time"
        in lines
    )


def test_the_paid_plan_refuses_nothing() -> None:
    assert ["the account is on the paid plan"] == said("prod", answer={"accountPlanType": "PAID"})


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (client_error("GetAccountPlanState", "AccessDeniedException", "no"), "AccessDeniedException"),
        (client_error("GetAccountPlanState", "ResourceNotFoundException", "no"), "ResourceNotFoundException"),
        (EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError"),
    ],
)
def test_a_plan_that_nobody_tells_is_said_with_what_the_free_plan_would_refuse(
    answer: Any, word: str
) -> None:
    lines = said("prod", answer=answer)

    assert f"the account's plan is not known (freetier:GetAccountPlanState: {word})" == lines[0]
    assert {f"if it is the free plan, RDS will refuse {line}" for line in PROD} == set(lines[1:])


def test_a_partition_without_plans_is_not_asked() -> None:
    assert [] == said("prod", region="us-gov-west-1")


def test_a_service_without_these_parameters_is_not_judged_by_them() -> None:
    (prod,) = contexts("prod")
    without = {name: dataclasses.replace(node, given={}) for name, node in prod.nodes.items()}

    assert [] == free_plan.refusals([dataclasses.replace(prod, nodes=without)])
