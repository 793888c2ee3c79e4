"""Each role may do what its commands and a rehearsal need, and nothing else without a reason in reasons.yaml.

recorded-calls.json is what test_rehearsal.py saw, and must see again.
"""

import fnmatch
import json
from pathlib import Path

import pytest
import yaml

from tests.unit.identity.needs import ROLES, granted, needed, tagging

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded-calls.json").read_text(encoding="utf-8"))
REASONS = yaml.safe_load((HERE / "reasons.yaml").read_text(encoding="utf-8"))

EVERY_ROLE = pytest.mark.parametrize("role", sorted(ROLES.values()))


def excused(kind: str, role: str) -> list[str]:
    """The patterns of actions that have a reason, for this role or for all."""
    return [*REASONS[kind].get("every", {}), *REASONS[kind].get(role, {})]


def is_among(action: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)


@EVERY_ROLE
def test_no_action_is_missing_that_the_commands_or_the_rehearsal_need(role: str) -> None:
    needs = needed(RECORDED, role)
    missing = {
        action: needs[action]
        for action in needs.keys() - granted(role)
        if not is_among(action, excused("not_granted", role))
    }

    assert {} == missing


@EVERY_ROLE
def test_no_action_is_granted_that_nothing_needed(role: str) -> None:
    spare = {
        action
        for action in granted(role) - needed(RECORDED, role).keys()
        if not is_among(action, excused("granted_all_the_same", role))
    }

    assert set() == spare


@EVERY_ROLE
def test_every_reason_excuses_something(role: str) -> None:
    needs, grants = needed(RECORDED, role).keys(), granted(role)
    for kind, actions in (("not_granted", needs - grants), ("granted_all_the_same", grants - needs)):
        patterns = REASONS[kind].get(role, {})

        assert [] == [p for p in patterns if not any(fnmatch.fnmatchcase(a, p) for a in actions)]


@pytest.mark.parametrize(
    "kind",
    [
        k
        for k in RECORDED["resources"]["deploy"]
        if k.startswith(("AWS::EC2::", "AWS::ElasticLoadBalancingV2::"))
    ],
)
def test_what_the_policies_reach_by_tags_has_them_from_its_first_moment(kind: str) -> None:
    """Or it could be made, and then not changed. What takes no tags hangs on something that does."""
    assert tagging(kind) in ({"taggable": True, "tagOnCreate": True}, {"taggable": False})
