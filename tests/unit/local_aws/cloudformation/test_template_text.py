"""Plain values of a template become CloudFormation's text where text is due, through MiniStack's engine."""

import json
from typing import Any

import pytest

from local_aws.cloudformation import template_text
from local_aws.emulator import internals
from local_aws.emulator.registry import Registry

EVERYWHERE = """
Parameters:
  Switch: {Type: String, Default: true, AllowedValues: [true, false]}
  Seconds: {Type: String, Default: 3600}
Mappings:
  Switches: {true: {on: no, seconds: 60}}
Conditions:
  IsOn: !Equals [!Ref Switch, true]
  OnByText: !Equals [!Ref Switch, "true"]
Resources:
  Thing:
    Type: Slipway::Test::Thing
    Properties:
      Enabled: true
      Size: 5
      Subbed: !Sub ["${A} ${Switch} ${Thing2.Flag}", {A: false}]
      Joined: !Join ["-", [true, 1, !If [IsOn, no, x]]]
      Selected: !Select [0, [true, x]]
      Encoded: !Base64 true
      Found: !FindInMap [Switches, "true", "true"]
      Tags: [{Key: a, Value: true}]
      Environment: [{Name: DEBUG, Value: false}]
      LogConfiguration: {LogDriver: awslogs, Options: {awslogs-create-group: true}}
      Parameters: {general_log: true}
      Description: yes
Outputs:
  Literal: {Value: true}
  Number: {Value: 3600, Export: {Name: false}}
  Chosen: {Value: !If [OnByText, true, false]}
  Attribute: {Value: !GetAtt Thing2.Flag}
"""


@pytest.fixture
def engine(registry: Registry) -> Registry:
    registry.resource_type(
        "Slipway::Test::Thing",
        create=lambda *_: ("thing-1", {"Flag": True, "Size": 5}),
        update=lambda physical_id, *_: (physical_id, {"Flag": False}),
        delete=lambda *_: None,
    )
    template_text.register(registry)
    return registry


def resolved(body: str) -> tuple[dict[str, Any], dict[str, str], dict[str, bool]]:
    """The properties of Thing, the outputs and the conditions, as MiniStack's engine resolves them."""
    name = "cloudformation.stacks"
    template = internals.get("cloudformation.handlers", "_parse_template")(body)
    parameters = internals.get("cloudformation.engine", "_resolve_parameters")(template, [])
    conditions = internals.get("cloudformation.engine", "_evaluate_conditions")(template, parameters)
    physical_id, attributes = internals.get(name, "_provision_resource")(
        "Slipway::Test::Thing", "Thing2", {}, "a-stack"
    )
    resources = {"Thing2": {"PhysicalResourceId": physical_id, "Attributes": attributes}}
    place = (resources, parameters, conditions, template["Mappings"], "a-stack", "id")
    properties = internals.get(name, "_resolve_refs")(template["Resources"]["Thing"]["Properties"], *place)
    outputs, _ = internals.get(name, "_resolve_stack_outputs")(
        template["Outputs"], conditions, resources, parameters, template["Mappings"], "a-stack", "id"
    )
    return properties, {one["OutputKey"]: one["OutputValue"] for one in outputs}, conditions


def test_text_is_cloudformations_wherever_text_is_due_and_other_properties_keep_their_type(
    engine: Registry,
) -> None:
    properties, outputs, conditions = resolved(EVERYWHERE)

    assert {
        "Enabled": True,
        "Size": 5,
        "Subbed": "false true true",
        "Joined": "true-1-false",
        "Selected": "true",
        "Encoded": "dHJ1ZQ==",
        "Found": "false",
        "Tags": [{"Key": "a", "Value": "true"}],
        "Environment": [{"Name": "DEBUG", "Value": "false"}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-create-group": "true"}},
        "Parameters": {"general_log": "true"},
        "Description": "true",
    } == properties
    assert {"Literal": "true", "Number": "3600", "Chosen": "true", "Attribute": "true"} == outputs
    assert {"IsOn": True, "OnByText": True} == conditions


def test_a_template_in_json_is_read_alike(engine: Registry) -> None:
    body = {"Resources": {}, "Outputs": {"A": {"Value": True}}, "Parameters": {"B": {"Default": False}}}

    template = internals.get("cloudformation.changesets", "_parse_template")(json.dumps(body))

    assert ("true", "false") == (template["Outputs"]["A"]["Value"], template["Parameters"]["B"]["Default"])
