"""Keeps secrets out of what others read: the log and the summary of a job, comments and issues.

GitHub masks what it knows as a secret in a job's log and summary, but nothing that is posted by the API, and
nothing that only this process knows.
"""

import os
import re
from collections.abc import Mapping

_SECRET = re.compile(r"(TOKEN|SECRET|PASSWORD|ACCESS_KEY)$")
_SHORTEST = 8
"""Characters; what is shorter stands in ordinary text too."""
_remembered: set[str] = set()


def remember(secret: str) -> str:
    """Mask this value from now on; gives it back."""
    if len(secret) >= _SHORTEST:
        _remembered.add(secret)
    return secret


def masked(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with *** for each secret: what was remembered, and each variable of the environment that is
    called a token, secret or key.
    """
    named = {value for name, value in environment.items() if _SECRET.search(name) and len(value) >= _SHORTEST}
    for secret in sorted(named | set(_remembered), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
