"""What ECS refuses about a deployment configuration, in its words."""

from typing import Any

import pytest

from local_aws.ecs.api.deployment_refusals import PAUSABLE, refusal, stack_refusal

RULE = "arn:aws:elasticloadbalancing:eu-west-1:0:listener-rule/app/a/b/c/"
PAUSE = "Invalid lifecycle stage provided for Pause Hook"
ARN = "Must be RuleArn for ALB or ListenerArn for NLB."
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:0:listener/app/a/b/c"


def balancer(**advanced: Any) -> list[dict[str, Any]]:
    configuration = {
        "alternateTargetGroupArn": "green",
        "productionListenerRule": f"{RULE}production",
        "testListenerRule": f"{RULE}test",
        "roleArn": "role",
    }
    return [{"targetGroupArn": "blue", "advancedConfiguration": {**configuration, **advanced}}]


def hook(**more: Any) -> dict[str, Any]:
    return {
        "strategy": "BLUE_GREEN",
        "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], **more}],
    }


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "CANARY", "LINEAR"])
def test_a_whole_configuration_is_taken(strategy: str) -> None:
    assert refusal({"strategy": strategy}, balancer()) is None


@pytest.mark.parametrize("stage", PAUSABLE)
def test_a_pause_is_taken_at_the_stages_that_know_it(stage: str) -> None:
    assert refusal(hook(lifecycleStages=[stage]), balancer()) is None


def test_a_rolling_deployment_needs_no_advanced_configuration() -> None:
    assert refusal({}, [{"targetGroupArn": "blue"}]) is None


@pytest.mark.parametrize(
    ("advanced", "expected"),
    [
        (
            {"productionListenerRule": LISTENER},
            f"productionListenerRule has an invalid ARN format. {ARN} Got: {LISTENER}",
        ),
        (
            {"testListenerRule": LISTENER},
            f"testListenerRule has an invalid ARN format. {ARN} Got: {LISTENER}",
        ),
        (
            {"testListenerRule": f"{RULE}production"},
            (
                "The following rules cannot be used as both production and test listener rules: "
                f"{RULE}production"
            ),
        ),
        ({"alternateTargetGroupArn": "blue"}, "Duplicate targetGroupArn found: blue"),
        ({"roleArn": ""}, "roleArn is required in advancedConfiguration."),
    ],
)
def test_rules_and_groups_that_cannot_work_are_refused(advanced: dict[str, str], expected: str) -> None:
    assert expected == refusal({"strategy": "BLUE_GREEN"}, balancer(**advanced))


def test_a_missing_advanced_configuration_is_refused() -> None:
    assert (
        "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment "
        "strategy"
    ) == refusal({"strategy": "CANARY"}, [{"targetGroupArn": "blue"}])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}, PAUSE),
        (
            {"lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]},
            PAUSE,
        ),
        ({"lifecycleStages": ["BAKE_TIME"]}, PAUSE),
        ({"hookTargetArn": "arn:lambda"}, "hookTargetArn is not applicable for PAUSE hooks."),
        ({"targetType": "SNS"}, "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE"),
        (
            {"timeoutConfiguration": {"timeoutInMinutes": 0}},
            "timeoutInMinutes must be between 1 and 20160.",
        ),
        (
            {"timeoutConfiguration": {"timeoutInMinutes": 20161}},
            "timeoutInMinutes must be between 1 and 20160.",
        ),
    ],
)
def test_a_hook_that_cannot_work_is_refused(more: dict[str, Any], expected: str) -> None:
    assert expected == refusal(hook(**more), balancer())


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"bakeTimeInMinutes": 1441}, "bakeTimeInMinutes must be between 0 and 1440."),
        ({"canaryConfiguration": {"canaryPercent": 0}}, "canaryPercent must be between 0.1 and 100."),
        ({"linearConfiguration": {"stepPercent": 2.9}}, "stepPercent must be between 3 and 100."),
        (
            {"linearConfiguration": {"stepBakeTimeInMinutes": -1}},
            "stepBakeTimeInMinutes must be between 0 and 1440.",
        ),
    ],
)
def test_a_number_out_of_its_range_is_refused(configuration: dict[str, Any], expected: str) -> None:
    assert expected == refusal({"strategy": "BLUE_GREEN", **configuration}, balancer())


def paused(minutes: int | None) -> dict[str, Any]:
    timeout = {} if minutes is None else {"timeoutConfiguration": {"timeoutInMinutes": minutes}}
    return {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], **timeout}


@pytest.mark.parametrize(
    ("configuration", "minutes"),
    [
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1440, "lifecycleHooks": [paused(541)]}, 1981),
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [paused(None)] * 2}, 2880),
        (
            {
                "strategy": "CANARY",
                "bakeTimeInMinutes": 1440,
                "canaryConfiguration": {"canaryBakeTimeInMinutes": 600},
            },
            2040,
        ),
        (
            {
                "strategy": "LINEAR",
                "bakeTimeInMinutes": 0,
                "linearConfiguration": {"stepPercent": 30, "stepBakeTimeInMinutes": 700},
            },
            2100,
        ),
    ],
)
def test_a_rollout_that_may_take_more_than_33_hours_is_refused_in_a_template(
    configuration: dict[str, Any], minutes: int
) -> None:
    assert (
        f"Total bake time ({minutes} minutes) for progressive deployment exceeds the Cloudformation limit of "
        "33 hours."
    ) == stack_refusal(configuration)


@pytest.mark.parametrize(
    "configuration",
    [
        {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1440, "lifecycleHooks": [paused(540)]},
        {"strategy": "ROLLING"},
        {},
        # ECS refuses these, with words that help.
        {"strategy": "BLUE_GREEN", "lifecycleHooks": [{"targetType": "AWS_LAMBDA"}] * 2},
        {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 0}},
    ],
)
def test_a_rollout_of_33_hours_is_taken(configuration: dict[str, Any]) -> None:
    assert stack_refusal(configuration) is None
