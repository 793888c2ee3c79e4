"""Each rule refuses a template that breaks it: mutations.yaml, one at a time."""

import re
from pathlib import Path

import pytest
import yaml

from tests.unit.templates.reading import NAMES, read, text
from tests.unit.templates.rules import RULES, faults, keeping, network, service
from tests.unit.templates.variants import chosen

MUTATIONS = yaml.safe_load(Path(__file__).with_name("mutations.yaml").read_text(encoding="utf-8"))


def mutate(template, at, put=None):
    *way, last = (int(step) if step.isdigit() else step for step in at.split("."))
    for step in way:
        template = template[step]
    if put is None:
        del template[last]
    elif isinstance(template, list) and last == len(template):
        template.append(put)
    else:
        template[last] = put


@pytest.mark.parametrize(
    ("rule", "mutation"),
    [pytest.param(rule, m, id=f"{rule}: {m['fault']}") for rule, listed in MUTATIONS.items() for m in listed],
)
def test_a_template_that_breaks_the_rule_is_refused(rule, mutation):
    template = read(mutation["in"])
    mutate(template, mutation["at"], mutation.get("put"))

    assert mutation["fault"] in "\n".join(faults(rule, template))


def test_every_rule_is_shown_to_refuse_something():
    assert set(RULES) == set(MUTATIONS)


def test_a_resource_without_a_comment_is_refused():
    body = re.sub(r"  # Ties the first public.*\n", "", text("vpc-network"))

    assert ["PublicSubnetOneRouteTable has no comment above it"] == keeping.resources_are_explained(body)


def test_a_task_that_is_killed_before_it_has_drained_is_refused():
    ungated = chosen(read("ecs-stack"), {"DeploymentGate": "false"})

    found = service.tasks_have_time_to_stop(ungated, {"DeregistrationDelaySeconds": "30"})

    assert [
        "migrate is killed after 30 s, and may need 30 s",
        "app is killed after 30 s, and may need 30 s",
    ] == found


def test_tasks_that_wear_another_security_group_break_the_chain():
    templates = {name: read(name) for name in NAMES}
    mutate(
        templates["rds-database"],
        "Outputs.DatabaseClientSecurityGroupId.Value.Ref",
        put="DatabaseSecurityGroup",
    )

    assert "rds-database.DatabaseSecurityGroup" in network.wearers(templates)["ecs-stack.Service"]


def test_a_database_that_the_whole_network_may_reach_breaks_the_chain():
    templates = {name: read(name) for name in NAMES}
    everyone = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "CidrIp": "10.0.0.0/16"}
    mutate(
        templates["rds-database"],
        "Resources.DatabaseSecurityGroup.Properties.SecurityGroupIngress.0",
        put=everyone,
    )

    assert {(3306, 3306, network.WORLD)} == network.admissions(templates)[
        "rds-database.DatabaseSecurityGroup"
    ]
