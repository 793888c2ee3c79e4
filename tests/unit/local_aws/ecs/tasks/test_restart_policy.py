"""Which container that ended is started again in its task."""

from typing import Any

import pytest

from local_aws.ecs.tasks.restart_policy import restarts


@pytest.mark.parametrize(
    ("policy", "code", "ran", "expected"),
    [
        ({"enabled": True}, 1, 300.0, True),
        ({"enabled": True}, 0, 300.0, True),
        ({"enabled": True}, 1, 299.0, False),
        ({"enabled": True, "restartAttemptPeriod": 60}, 1, 60.0, True),
        ({"enabled": True, "restartAttemptPeriod": 60}, 1, 59.0, False),
        ({"enabled": True, "ignoredExitCodes": [0, 3]}, 3, 900.0, False),
        ({"enabled": True, "ignoredExitCodes": [0, 3]}, 1, 900.0, True),
        ({"enabled": False}, 1, 900.0, False),
        (None, 1, 900.0, False),
    ],
)
def test_a_container_is_started_again_after_its_period_and_not_with_an_ignored_exit_code(
    policy: Any, code: int, ran: float, expected: bool
) -> None:
    definition: Any = {"name": "app"} if policy is None else {"name": "app", "restartPolicy": policy}

    assert expected is restarts(definition, code, ran)
