"""The role of regional.yml: a deploy role that launches nested stacks, and the only one that may."""

from tests.identity.needs import handler_permissions
from tests.templates.reading import of_type, read
from tests.templates.variants import chosen

NESTED = "AWS::CloudFormation::Stack"


def policies(launches: str) -> dict[str, dict]:
    template = chosen(read("github-deploy-role"), {"LaunchesStacks": launches})
    return {name: p["PolicyDocument"] for name, p in of_type(template, "AWS::IAM::ManagedPolicy")}


def test_it_may_do_what_cloudformation_needs_for_nested_stacks():
    granted = {action for s in policies("true")["LaunchPolicy"]["Statement"] for action in s["Action"]}
    needed = {a for operation in ("create", "read", "delete") for a in handler_permissions(NESTED, operation)}

    # No nested stack is given a role of its own.
    assert set() == needed - {"iam:PassRole"} - granted


def test_no_role_of_an_environment_may():
    assert {"LaunchPolicy"} == policies("true").keys() - policies("false").keys()


def test_it_launches_nothing_but_what_is_called_as_it_is():
    resources = [s["Resource"] for s in policies("true")["LaunchPolicy"]["Statement"]]

    places = [place["Fn::Sub"] for group in resources for place in group]
    assert [] == [place for place in places if "${ServiceName}-${EnvironmentName}" not in place]
