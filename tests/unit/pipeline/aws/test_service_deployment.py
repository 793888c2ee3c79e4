"""What is asked of service deployments: what is under way, and no more of ninety days than is needed."""

from datetime import timedelta
from typing import Any, cast

import botocore.session
import pytest

from pipeline.aws import service_deployment
from pipeline.aws.service_deployment import ENDED, UNDER_WAY
from pipeline.rollout import alarms
from tests.support.fake_rollout import SERVICE, FakeRollouts
from tests.support.fakes import START


@pytest.fixture
def ecs() -> FakeRollouts:
    """A service with a hundred releases in its history, each a page of its own."""
    made = FakeRollouts()
    for _ in range(100):
        made.release("image", status="SUCCESSFUL")
    return made


def test_every_status_that_ecs_knows_is_under_way_or_an_end() -> None:
    shape = botocore.session.get_session().get_service_model("ecs").shape_for("ServiceDeploymentStatus")

    assert set(cast(Any, shape).enum) == {*UNDER_WAY, *ENDED}


@pytest.mark.parametrize("status", UNDER_WAY)
def test_what_is_under_way_is_found_by_one_page(ecs: FakeRollouts, status: str) -> None:
    arn = ecs.release("image", status=status)

    found = service_deployment.latest(cast(Any, ecs), SERVICE)

    assert found is not None
    assert (arn, 1) == (found.arn, ecs.listed)
    again = service_deployment.under_way(cast(Any, ecs), SERVICE)
    assert 2 == ecs.listed
    assert again is None or again.arn == arn


def test_nothing_under_way_is_known_after_one_page(ecs: FakeRollouts) -> None:
    assert service_deployment.under_way(cast(Any, ecs), SERVICE) is None
    assert 1 == ecs.listed


def test_what_ended_since_is_found_without_what_ended_before(ecs: FakeRollouts) -> None:
    before = ecs.deployments[-1]["createdAt"]
    arn = ecs.release("image", status="ROLLBACK_SUCCESSFUL")

    found = service_deployment.latest(cast(Any, ecs), SERVICE, after=before + timedelta(seconds=1))

    assert found is not None
    assert (arn, 2) == (found.arn, ecs.listed)


def test_without_a_time_the_last_of_all_is_found(ecs: FakeRollouts) -> None:
    found = service_deployment.latest(cast(Any, ecs), SERVICE)

    assert found is not None
    assert START + timedelta(minutes=100) == found.created_at


def test_a_failure_and_a_success_are_asked_for_as_such(ecs: FakeRollouts) -> None:
    assert alarms.last_failure(cast(Any, ecs), SERVICE) is None
    assert 1 == ecs.listed
    assert 100 == len(service_deployment.successful(cast(Any, ecs), SERVICE))
