"""The plan that an account is on, and what RDS refuses an account on the free plan.

An account made since July 2025 begins on the free plan unless somebody chose the paid one, and RDS answers
FreeTierRestrictionError there. AWS documents no limits of RDS for the free plan. The limits here are those
that people were refused with: "This instance size isn't available with free plan accounts" (db.t4g.small),
backups kept for more than one day, and "maximum number of instances available with free plan accounts" at
the third server. Single-AZ is what AWS's free offer of RDS says.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_freetier_GetAccountPlanState.html
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/free-tier-plans.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.account import roles
from pipeline.aws import errors
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context

DATABASE = "AWS::RDS::DBInstance"
SERVERS = 2
"""How many database servers the free plan takes at a time."""


@dataclass(frozen=True)
class Limit:
    """The values that the free plan takes for a parameter of infra/rds-database.yaml."""

    parameter: str
    values: tuple[str, ...]


LIMITS = (
    Limit("DatabaseInstanceClass", ("db.t4g.micro", "db.t3.micro")),
    Limit("DatabaseBackupRetentionDays", ("0", "1")),
    Limit("DatabaseMultiAz", ("false",)),
)
UPGRADE = "aws freetier upgrade-account-plan --account-plan-type PAID"


def report(contexts: Sequence[Context], log: Log) -> None:
    """Say which plan the account is on, and what of these environments the free plan refuses.

    contexts: environments of one account. Where the plan can't be asked for, that is said, with what the free
    plan would refuse.
    """
    if roles.partition(contexts[0].aws.region) != "aws":
        return  # accounts in China and GovCloud have no such plans
    refused = refusals(contexts)
    try:
        state = contexts[0].aws.client("freetier").get_account_plan_state()
    except (ClientError, BotoCoreError) as error:
        log(f"the account's plan is not known (freetier:GetAccountPlanState: {errors.code_of(error)})")
        for line in refused:
            log(f"if it is the free plan, RDS will refuse {line}")
        return
    if state["accountPlanType"] != "FREE":
        log("the account is on the paid plan")
        return
    until = state.get("accountPlanExpirationDate")
    log("the account is on the free plan" + (f" until {until:%Y-%m-%d}" if until else ""))
    for line in refused:
        log(f"RDS will refuse {line}")
    if refused:
        log(f"change the environment files, or the plan: {UPGRADE}")


def refusals(contexts: Sequence[Context]) -> list[str]:
    """What RDS refuses on the free plan, environment by environment, with the values that RDS takes."""
    lines, servers = [], 0
    for context in contexts:
        for node in context.stacks.values():
            servers += sum(one.type == DATABASE for one in node.template.resources.values())
            for limit in LIMITS:
                value = node.given.get(limit.parameter)
                if value is not None and value not in limit.values:
                    takes = " or ".join(limit.values)
                    name = context.environment.name
                    lines.append(f"{limit.parameter} {value} of {name}; the free plan takes {takes}")
    if servers > SERVERS:
        names = ", ".join(context.environment.name for context in contexts)
        lines.append(
            f"one of the {servers} database servers of {names}; the free plan takes {SERVERS} at a time"
        )
    return lines
