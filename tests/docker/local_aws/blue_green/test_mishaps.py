"""What ECS refuses, what a first creation does, and a server that dies in the middle of a deployment."""

import copy
import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local_aws import up
from tests.support.probe_rollouts import Gate, begin, reaches, rollout
from tests.support.probe_service import Aws, Load, eventually


@pytest.fixture(scope="module", autouse=True)
def leave_nothing(aws: Aws) -> Iterator[None]:
    """The next module begins with a service of its own."""
    yield
    aws.delete()


@pytest.fixture
def blue_green(aws: Aws) -> Aws:
    """The probe's service, version 1, released by BLUE_GREEN without a gate."""
    end = aws.deploy(Version="1", Strategy="BLUE_GREEN")
    assert end in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "NO UPDATES"), aws.reasons()
    return aws


def updated(aws: Aws, change: Callable[[dict[str, Any]], object]) -> None:
    """UpdateService with a changed load balancer."""
    balancer = copy.deepcopy(aws.service()["loadBalancers"][0])
    change(balancer)
    aws.client("ecs").update_service(cluster="probe", service="probe", loadBalancers=[balancer])


def test_one_rule_for_production_and_test_is_refused_at_once(blue_green: Aws) -> None:
    def change(balancer: dict[str, Any]) -> None:
        advanced = balancer["advancedConfiguration"]
        advanced["testListenerRule"] = advanced["productionListenerRule"]

    with pytest.raises(ClientError, match="cannot be used as both production and test listener rules"):
        updated(blue_green, change)


def test_an_alternate_target_group_that_does_not_exist_is_refused_at_once(blue_green: Aws) -> None:
    with pytest.raises(ClientError, match=r"The target group .*-absent does not exist\."):
        updated(
            blue_green,
            lambda b: b["advancedConfiguration"].update(
                alternateTargetGroupArn=b["targetGroupArn"] + "-absent"
            ),
        )


def test_a_role_that_ecs_may_not_assume_rolls_the_deployment_back(blue_green: Aws) -> None:
    role = "arn:aws:iam::000000000000:role/absent"
    with Load(blue_green.url) as load:
        updated(blue_green, lambda b: b["advancedConfiguration"].update(roleArn=role))
        eventually("the end", lambda: rollout(blue_green)["status"] == "ROLLBACK_SUCCESSFUL")

    assert f"missing permissions on ECS Infrastructure Role '{role}'." in rollout(blue_green)["statusReason"]
    assert [] == load.failures


def test_a_service_changes_its_strategy_there_and_back_without_a_lost_request(blue_green: Aws) -> None:
    def weights() -> dict[str, str]:
        rule = blue_green.client("elbv2").describe_rules(RuleArns=[blue_green.output("RuleArn")])["Rules"][0]
        groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        by_arn = {one["TargetGroupArn"]: str(one["Weight"]) for one in groups}
        return {
            "BlueWeight": by_arn[blue_green.output("BlueArn")],
            "GreenWeight": by_arn[blue_green.output("GreenArn")],
        }

    with Load(blue_green.url) as load:
        ends = [
            blue_green.deploy(Version=str(number), Strategy=strategy, **weights())
            for number, strategy in enumerate(("ROLLING", "BLUE_GREEN", "ROLLING", "CANARY", "BLUE_GREEN"), 2)
        ]

    assert ["UPDATE_COMPLETE"] * 5 == ends
    assert [] == load.failures
    assert requests.get(blue_green.url, timeout=5).text == "6"


def test_a_first_creation_stops_at_the_gate_too_and_fails_when_nobody_answers(aws: Aws) -> None:
    aws.delete()
    with Gate(aws, {"PRE_SCALE_UP": None}) as gate:
        end = aws.deploy(Version="1", Strategy="BLUE_GREEN", Gate="true", GateTimeout="3")
    reason = aws.reasons()[0]
    aws.delete()

    assert end == "ROLLBACK_COMPLETE"
    assert ["PRE_SCALE_UP"] == gate.stages
    assert "Service deployment rolled back because PRE_SCALE_UP pause hook timed out." in reason


def test_a_server_that_is_killed_during_the_bake_comes_back_with_the_old_version(blue_green: Aws) -> None:
    begin(blue_green, Version="killed", Strategy="BLUE_GREEN", Bake="600")
    reaches(blue_green, "BAKE_TIME")
    eventually("the state to be saved", lambda: saved_stage(blue_green) == "BAKE_TIME")
    server = json.loads((blue_green.checkout / ".slipway" / "server.json").read_text())["pid"]
    os.kill(server, signal.SIGKILL)
    up(blue_green.checkout, lambda _: None)

    def answer() -> str:
        try:
            return requests.get(blue_green.url, timeout=5).text
        except requests.RequestException:
            return ""

    assert eventually("the rollback", lambda: rollout(blue_green)["status"] == "ROLLBACK_SUCCESSFUL")
    assert eventually("the old version", lambda: answer() == "1")
    assert "the local AWS ended in the middle of it" in rollout(blue_green)["statusReason"]
    assert blue_green.deploy(Version="2", Strategy="BLUE_GREEN") == "UPDATE_COMPLETE"
    assert answer() == "2"


def saved_stage(aws: Aws) -> str:
    saved = aws.saved_service()
    return saved.rollout.step.stage if saved and saved.rollout and saved.rollout.is_ongoing else ""
