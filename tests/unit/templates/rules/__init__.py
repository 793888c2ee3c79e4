"""Rules beyond cfn-lint and checkov: pure functions from a parsed template to its faults, one line each.

A rule sees no condition and no Fn::If: it is asked about the template under every choice of parameters.
"""

from collections.abc import Mapping
from typing import Any

from tests.unit.templates.rules import keeping, network, people, rollout, service, traffic
from tests.unit.templates.variants import variants

RULES = {
    rule.__name__: rule
    for module in (keeping, network, people, service, rollout, traffic)
    for rule in module.RULES
}


def every_fault(template: Mapping[str, Any]) -> list[str]:
    """All that any rule has against any variant of the template: each complaint once, with its rule."""
    found = [
        f"{name}: {fault}"
        for variant in variants(template)
        for name, rule in RULES.items()
        for fault in rule(variant)
    ]
    return list(dict.fromkeys(found))


def faults(rule: str, template: Mapping[str, Any]) -> list[str]:
    """Everything the rule has against any variant of the template, each complaint once."""
    return list(dict.fromkeys(fault for variant in variants(template) for fault in RULES[rule](variant)))
