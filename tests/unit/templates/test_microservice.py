"""The one-click launch puts the templates together as the pipeline does, and forgets no parameter."""

from typing import Any

import pytest

from pipeline.config import environment
from pipeline.graph import graph, template
from tests.unit.templates.reading import INFRA, of_type, read, reference

LAUNCH = read("microservice")
RELEASED = {one.name: one for one in template.load_all(INFRA)}
# The image must be in a repository before there can be a service; see the decision on the one-click launch.
LEFT_OUT = {"ecr"}
# What the launch decides by itself, and where its default is another.
FIXED = {"DeploymentGate": "false"}
OTHER_DEFAULTS = {"ServiceName", "EnvironmentName", "DeploymentStrategy"}


def nested() -> dict[str, dict[str, Any]]:
    """The launch's nested stacks by the name of their template: {parameter: value}."""
    return {
        properties["TemplateURL"]["Fn::Sub"].rpartition("infra/")[2].removesuffix(".yaml"): properties[
            "Parameters"
        ]
        for _, properties in of_type(LAUNCH, "AWS::CloudFormation::Stack")
    }


def wired() -> dict[str, dict[str, str]]:
    """What the pipeline fills from another template's output: template -> {parameter: that template}."""
    local = environment.load("local", INFRA / "environments")
    nodes = graph.derive(list(RELEASED.values()), local, "orders")
    return {name: dict(nodes[name].wired) for name in nested()}


def logical_id(name: str) -> str:
    for found, properties in of_type(LAUNCH, "AWS::CloudFormation::Stack"):
        if properties["TemplateURL"]["Fn::Sub"].endswith(f"}}infra/{name}.yaml"):
            return found
    raise AssertionError(f"nothing launches {name}")


def test_it_is_no_part_of_a_release() -> None:
    assert "microservice" not in RELEASED


def test_every_template_of_a_release_is_launched_but_the_repository() -> None:
    assert set(RELEASED) - LEFT_OUT == set(nested())


@pytest.mark.parametrize("name", sorted(nested()))
def test_every_parameter_of_a_nested_template_is_given_or_left_at_its_default_on_purpose(name: str) -> None:
    left = set(LAUNCH["Metadata"]["Slipway"]["Defaults"])
    parameters = RELEASED[name].parameters
    forgotten = set(parameters) - set(nested()[name]) - left
    without_default = {p for p in left & set(parameters) if parameters[p].default is None}

    assert set() == forgotten
    assert set() == without_default
    assert set() == set(nested()[name]) - set(parameters)


@pytest.mark.parametrize("name", sorted(nested()))
def test_a_nested_template_gets_from_another_what_it_gets_from_it_in_a_release(name: str) -> None:
    expected = {
        parameter: [logical_id(giver), f"Outputs.{parameter}"]
        for parameter, giver in wired()[name].items()
        if giver in nested()
    }
    given = {
        p: value["Fn::GetAtt"]
        for p, value in nested()[name].items()
        if isinstance(value, dict) and "Fn::GetAtt" in value
    }

    assert expected == given


@pytest.mark.parametrize("name", sorted(nested()))
def test_all_else_is_passed_on_under_its_own_name_or_fixed(name: str) -> None:
    passed = {p: v for p, v in nested()[name].items() if not (isinstance(v, dict) and "Fn::GetAtt" in v)}

    assert {p: v for p, v in FIXED.items() if p in passed} == {
        p: v for p, v in passed.items() if isinstance(v, str)
    }
    assert [] == [p for p, v in passed.items() if isinstance(v, dict) and reference(v) != p]


@pytest.mark.parametrize("name", sorted(nested()))
def test_a_parameter_that_is_passed_on_takes_the_very_same_values(name: str) -> None:
    def rules(parameters: dict[str, Any], one: str) -> dict[str, Any]:
        left_out = {"Description"} | ({"Default"} if one in OTHER_DEFAULTS else set())
        return {key: value for key, value in parameters[one].items() if key not in left_out}

    asked, theirs = LAUNCH["Parameters"], read(name)["Parameters"]
    shared = [one for one in nested()[name] if one in asked and one != "RepositoryArn"]

    assert [rules(theirs, one) for one in shared] == [rules(asked, one) for one in shared]


def test_no_default_is_kept_on_purpose_that_no_template_has_any_more() -> None:
    known = {parameter for name in nested() for parameter in RELEASED[name].parameters}

    assert [] == sorted(set(LAUNCH["Metadata"]["Slipway"]["Defaults"]) - known)


def test_every_parameter_is_asked_for_in_one_of_the_groups() -> None:
    groups = LAUNCH["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(LAUNCH["Parameters"]) == sorted(one for group in groups for one in group["Parameters"])
