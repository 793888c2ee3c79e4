"""What an account says of itself: its service-linked roles, its plan and its quotas.

MiniStack refuses a second service-linked role of a service in words that are not IAM's, and knows neither
plans nor quotas. Here the account is on the paid plan, and has the quotas of a new account.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_freetier_GetAccountPlanState.html
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
"""

from collections.abc import Mapping
from typing import Any

from local_aws.emulator.registry import RefusedError, Registry, Request

ROLE = "AWS::IAM::Role"
# AWS's defaults, as Service Quotas gives them; of Fargate's vCPUs a new account has these few.
QUOTAS = {
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5.0),
    ("vpc", "L-A4707A72"): ("Internet gateways per Region", 5.0),
    ("elasticloadbalancing", "L-53DA6B97"): ("Application Load Balancers per Region", 50.0),
    ("elasticloadbalancing", "L-B22855CB"): ("Target Groups per Region", 3000.0),
    ("rds", "L-7B6409FD"): ("DB instances", 40.0),
    ("fargate", "L-3032A538"): ("Fargate On-Demand vCPU resource count", 6.0),
    ("fargate", "L-36FBB829"): ("Fargate Spot vCPU resource count", 6.0),
}


def register(registry: Registry) -> None:
    """Register the check before CreateServiceLinkedRole, and the services of plans and quotas."""
    roles = registry.records(ROLE)

    def check(request: Request) -> None:
        if request.action == "iam:CreateServiceLinkedRole":
            must_be_new(str(request.parameters.get("AWSServiceName", "")), roles)

    registry.before_request(check)
    account = registry.checkout.account
    registry.json_service("freetier", {"GetAccountPlanState": lambda _: plan(account)})
    registry.json_service("servicequotas", {"GetServiceQuota": quota, "GetAWSDefaultServiceQuota": quota})


def must_be_new(service: str, roles: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise RefusedError where the account has the service's role already. roles: IAM's records by name."""
    for name, role in roles.items():
        if role.get("Path") == f"/aws-service-role/{service}/":
            words = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise RefusedError("InvalidInput", words)


def plan(account: str) -> dict[str, str]:
    """The answer to GetAccountPlanState."""
    return {"accountId": account, "accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"}


def quota(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to GetServiceQuota. Raises RefusedError for a quota that is not in QUOTAS."""
    service, code = str(asked.get("ServiceCode")), str(asked.get("QuotaCode"))
    if (service, code) not in QUOTAS:
        raise RefusedError(
            "NoSuchResourceException", f"The service or quota {service} {code} does not exist."
        )
    name, value = QUOTAS[service, code]
    return {
        "Quota": {
            "ServiceCode": service,
            "QuotaCode": code,
            "QuotaName": name,
            "Value": value,
            "Adjustable": True,
        }
    }
