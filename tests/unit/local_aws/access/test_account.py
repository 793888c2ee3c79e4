"""What an account says of itself, asked as the pipeline asks AWS."""

import asyncio
import json
from importlib import import_module

import pytest

from local_aws.access.account import QUOTAS, must_be_new, plan, quota
from local_aws.emulator.refusals import RefusedError
from pipeline.account.quotas import QUOTAS as LEANED_ON

ROLES = {"AWSServiceRoleForEcs": {"Path": "/aws-service-role/ecs.amazonaws.com/"}, "mine": {"Path": "/"}}


def test_a_second_service_linked_role_of_a_service_is_refused_in_iams_words():
    must_be_new("rds.amazonaws.com", ROLES)
    with pytest.raises(RefusedError, match="has been taken in this account") as refused:
        must_be_new("ecs.amazonaws.com", ROLES)

    assert "InvalidInput" == refused.value.code


def test_the_account_is_on_the_paid_plan():
    assert "PAID" == plan("000000000000")["accountPlanType"]


def test_every_quota_that_a_release_leans_on_has_a_value():
    assert {(one.service, one.code) for one in LEANED_ON} == set(QUOTAS)
    assert 5.0 == quota({"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"})["Quota"]["Value"]


def test_another_quota_is_not_known():
    with pytest.raises(RefusedError) as refused:
        quota({"ServiceCode": "vpc", "QuotaCode": "L-0"})

    assert "NoSuchResourceException" == refused.value.code


def test_a_service_that_the_emulator_lacks_answers_by_operation(registry, monkeypatch):
    app = import_module("ministack.app")
    monkeypatch.setattr(app, "SERVICE_HANDLERS", dict(app.SERVICE_HANDLERS))
    registry.json_service("servicequotas", {"GetServiceQuota": quota})

    def ask(operation, **request):
        headers = {"x-amz-target": f"ServiceQuotasV20190624.{operation}"}
        handler = app.SERVICE_HANDLERS["servicequotas"]
        status, _, body = asyncio.run(handler("POST", "/", headers, json.dumps(request).encode(), {}))
        return status, json.loads(body)

    assert (200, 5.0) == (
        (answer := ask("GetServiceQuota", ServiceCode="vpc", QuotaCode="L-F678F1CE"))[0],
        answer[1]["Quota"]["Value"],
    )
    assert (400, "NoSuchResourceException") == (
        (answer := ask("GetServiceQuota", ServiceCode="vpc", QuotaCode="L-0"))[0],
        answer[1]["__type"],
    )
    assert "UnknownOperationException" == ask("ListServices")[1]["__type"]
