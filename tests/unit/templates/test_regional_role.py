"""The role of regional.yml: a deploy role that launches nested stacks, and the only one that may."""

from pathlib import Path

import yaml

from tests.unit.identity import needs
from tests.unit.templates.reading import of_type, read
from tests.unit.templates.variants import chosen

NESTED = "AWS::CloudFormation::Stack"
REASONS = Path(needs.__file__).with_name("reasons.yaml")


def policies(launches: str) -> dict[str, dict]:
    template = chosen(read("github-deploy-role"), {"LaunchesStacks": launches})
    return {name: p["PolicyDocument"] for name, p in of_type(template, "AWS::IAM::ManagedPolicy")}


def granted():
    return {action for s in policies("true")["LaunchPolicy"]["Statement"] for action in s["Action"]}


def needed():
    operations = ("create", "read", "delete")
    every = {action for one in operations for action in needs.handler_permissions(NESTED, one)}
    return every - {"iam:PassRole"}  # no nested stack is given a role of its own


def test_it_may_do_what_cloudformation_needs_for_nested_stacks():
    assert set() == needed() - granted()


def test_it_may_do_more_only_with_a_reason_and_every_reason_excuses_something():
    reasons = yaml.safe_load(REASONS.read_text(encoding="utf-8"))["granted_all_the_same"]["regional"]

    assert reasons.keys() == granted() - needed()


def test_no_role_of_an_environment_may():
    assert {"LaunchPolicy"} == policies("true").keys() - policies("false").keys()


def test_it_launches_nothing_but_what_is_called_as_it_is():
    resources = [s["Resource"] for s in policies("true")["LaunchPolicy"]["Statement"]]

    places = [place["Fn::Sub"] for group in resources for place in group]
    assert [] == [place for place in places if "${ServiceName}-${EnvironmentName}" not in place]
