"""The quotas that environments lean on: what is taken, what is still needed, and which quota is too small."""

from typing import Any, cast

import pytest

from pipeline.account import quotas
from pipeline.config import environment, project
from pipeline.context import Context, nodes_of
from tests.support.fakes import FakeAws, FakeCloudFormation, Paginates, client_error
from tests.support.repository import ROOT

VPC, FARGATE = "L-F678F1CE", "L-3032A538"
PARAMETERS = {
    "dev": {"TaskCount": "1", "CapacityProvider": "FARGATE_SPOT"},
    "staging": {"TaskCount": "2"},
    "prod": {"TaskCount": "2", "TaskCpu": "512", "TaskMemory": "1024"},
}


class FakeQuotas:
    """Quotas by code: a value, or the code of a refusal. defaults: AWS's own values."""

    def __init__(self, values: dict[str, float | str], defaults: dict[str, float]) -> None:
        self.values, self.defaults = values, defaults

    def get_service_quota(self, **request: Any) -> dict[str, Any]:
        value = self.values.get(request["QuotaCode"], 100.0)
        if isinstance(value, str):
            raise client_error("GetServiceQuota", value, "")
        return {"Quota": {"Value": value}}

    def get_aws_default_service_quota(self, **request: Any) -> dict[str, Any]:
        return {"Quota": {"Value": self.defaults[request["QuotaCode"]]}}


class FakeAccount(Paginates):
    """So many VPCs and internet gateways; one load balancer of each kind; no target group, no database."""

    def __init__(self, vpcs: int) -> None:
        self.vpcs = vpcs

    def describe_vpcs(self, **request: Any) -> dict[str, Any]:
        return {"Vpcs": [{}] * self.vpcs}

    def describe_internet_gateways(self, **request: Any) -> dict[str, Any]:
        return {"InternetGateways": [{}] * self.vpcs}

    def describe_load_balancers(self, **request: Any) -> dict[str, Any]:
        return {"LoadBalancers": [{"Type": "application"}, {"Type": "network"}]}

    def describe_target_groups(self, **request: Any) -> dict[str, Any]:
        return {"TargetGroups": []}

    def describe_db_instances(self, **request: Any) -> dict[str, Any]:
        return {"DBInstances": []}


def contexts(
    *names: str,
    vpcs: int = 1,
    values: dict[str, float | str] | None = None,
    defaults: dict[str, float] | None = None,
    there: tuple[str, ...] = (),
) -> list[Context]:
    """Environments of the templates of this repository. there: the names of stacks that are deployed."""
    here, account, cloudformation = project.find(ROOT), FakeAccount(vpcs), FakeCloudFormation()
    for name in there:
        cloudformation.have(name, "CREATE_COMPLETE")
    clients = {"ec2": account, "elbv2": account, "rds": account, "cloudformation": cloudformation}
    aws = FakeAws(**clients, **{"service-quotas": FakeQuotas(values or {}, defaults or {})})
    dev = environment.load("dev", here.environments)
    every = [dev.model_copy(update={"name": name, "parameters": PARAMETERS[name]}) for name in names]
    return [Context(here, each, nodes_of(here, each), cast(Any, aws)) for each in every]


def said(*names: str, **more: Any) -> list[str]:
    lines: list[str] = []
    quotas.report(contexts(*names, **more), lines.append)
    return lines


def test_the_vpcs_of_three_environments_do_not_fit_beside_three_others() -> None:
    lines = said("dev", "staging", "prod", vpcs=3, values={VPC: 5.0})

    assert "the quota in eu-west-1 is too small for VPCs: 3 of 5 taken, 3 needed" == lines[0]
    assert lines[1].endswith(
        "--region eu-west-1 --service-code vpc --quota-code L-F678F1CE --desired-value 6"
    )


def test_a_quota_that_is_just_large_enough_suffices() -> None:
    (line,) = said("dev", "staging", "prod", vpcs=2, values={VPC: 5.0})

    assert "VPCs: 2 of 5 taken, 3 needed" in line
    assert "Application Load Balancers: 1 of 100 taken, 3 needed" in line
    assert "target groups: 0 of 100 taken, 6 needed" in line
    assert "database servers: 0 of 100 taken, 3 needed" in line


def test_what_is_deployed_needs_no_more_of_it() -> None:
    (line,) = said("dev", vpcs=5, values={VPC: 5.0}, there=("orders-dev-vpc-network",))

    assert "VPCs: 5 of 5 taken, 0 needed" in line


def test_both_versions_of_the_tasks_of_all_environments_run_while_a_release_goes_out() -> None:
    lines = said("dev", "staging", "prod", values={FARGATE: 2.0})

    assert "the quota in eu-west-1 is too small for Fargate vCPUs: 2, 3 needed" == lines[0]
    assert "Fargate Spot vCPUs: 100, 0.5 needed" in lines[-1]


def test_where_the_account_has_no_value_of_its_own_awss_default_counts() -> None:
    (line,) = said("dev", values={VPC: "NoSuchResourceException"}, defaults={VPC: 5.0})

    assert "VPCs: 1 of 5 taken, 1 needed" in line


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException"])
def test_a_quota_that_can_not_be_read_is_said_and_the_others_are_still_judged(code: str) -> None:
    lines = said("dev", vpcs=5, values={VPC: code, "L-A4707A72": 5.0})

    assert "too small for internet gateways: 5 of 5 taken, 1 needed" in lines[0]
    assert f"quotas that could not be read: VPCs ({code})" == lines[-1]
