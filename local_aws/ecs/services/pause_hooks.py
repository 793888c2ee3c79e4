"""Pause hooks: opened when a deployment enters their stage, and expired when their time is over.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local_aws.shapes import DeploymentConfiguration

DEFAULT_TIMEOUT_MINUTES = 1440


@dataclass
class Hook:
    """A pause in a stage. expires_at: seconds since 1970."""

    stage: str
    expires_at: float
    timeout_action: str
    status: str = "AWAITING_ACTION"
    id: str = field(default_factory=lambda: f"ecs-pause-{secrets.token_urlsafe(32)}")

    def describe(self) -> dict[str, Any]:
        return {
            "hookId": self.id,
            "targetType": "PAUSE",
            "status": self.status,
            "expiresAt": self.expires_at,
            "timeoutAction": self.timeout_action,
        }


def opened(
    configuration: DeploymentConfiguration, stage: str, now: float, minute_seconds: float
) -> list[Hook]:
    """The pause hooks that open in a stage."""
    hooks = []
    for one in configuration.get("lifecycleHooks") or []:
        if stage in one["lifecycleStages"] and one.get("targetType") == "PAUSE":
            timeout = one.get("timeoutConfiguration") or {}
            minutes = int(timeout.get("timeoutInMinutes") or DEFAULT_TIMEOUT_MINUTES)
            hooks.append(Hook(stage, now + minutes * minute_seconds, timeout.get("action") or "ROLLBACK"))
    return hooks


def expire(hooks: Iterable[Hook], now: float) -> None:
    """Expire the hooks whose time is over."""
    for hook in hooks:
        if hook.status == "AWAITING_ACTION" and now >= hook.expires_at:
            hook.status = "TIMED_OUT"
