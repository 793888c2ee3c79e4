"""Keeps secrets out of what others read: the log and the summary of a job, comments and issues.

GitHub masks the secrets that GitHub knows in a job's log and summary. GitHub masks nothing that is posted by
the API, and no secret that only this process knows.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

import os
import re
from collections.abc import Mapping

_SECRET = re.compile(r"(TOKEN|SECRET|PASSWORD|ACCESS_KEY)$")
_SHORTEST = 8
"""Characters; a shorter value may stand in ordinary text too."""
_remembered: set[str] = set()


def remember(secret: str) -> str:
    """Mask `secret` from now on, and give it back."""
    if len(secret) >= _SHORTEST:
        _remembered.add(secret)
    return secret


def masked(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with *** for each secret: every remembered value, and the value of every environment variable
    whose name ends in TOKEN, SECRET, PASSWORD or ACCESS_KEY.
    """
    named = {value for name, value in environment.items() if _SECRET.search(name) and len(value) >= _SHORTEST}
    for secret in sorted(named | set(_remembered), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
