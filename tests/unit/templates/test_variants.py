"""A template with its conditions decided is what CloudFormation would make of it."""

from tests.unit.templates.reading import read
from tests.unit.templates.variants import chosen, said, variants

TEMPLATE = {
    "Parameters": {
        "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
        "Count": {"Type": "Number", "Default": 1},
        "Colour": {"Type": "String", "Default": "red"},
    },
    "Conditions": {
        "Large": {"Fn::Equals": [{"Ref": "Size"}, "large"]},
        "None": {"Fn::Equals": [{"Ref": "Count"}, 0]},
        "Some": {"Fn::Not": [{"Condition": "None"}]},
        "LargeAndSome": {"Fn::And": [{"Condition": "Large"}, {"Condition": "Some"}]},
        "Either": {"Fn::Or": [{"Condition": "Large"}, {"Condition": "None"}]},
    },
    "Resources": {
        "Always": {
            "Type": "T",
            "Properties": {
                "List": [{"Fn::If": ["Large", "big", {"Ref": "AWS::NoValue"}]}, "every"],
                "Value": {"Fn::If": ["None", {"Ref": "AWS::NoValue"}, {"Ref": "Size"}]},
            },
        },
        "Sometimes": {"Type": "T", "Condition": "LargeAndSome"},
        "Else": {"Type": "T", "Condition": "Either"},
    },
}


def test_a_resource_whose_condition_is_false_is_not_there() -> None:
    made = {
        (size, count): set(chosen(TEMPLATE, {"Size": size, "Count": count})["Resources"]) - {"Always"}
        for size in ("small", "large")
        for count in ("0", "1")
    }

    assert {
        ("small", "0"): {"Else"},
        ("small", "1"): set(),
        ("large", "0"): {"Else"},
        ("large", "1"): {"Else", "Sometimes"},
    } == made


def test_no_value_leaves_no_trace() -> None:
    properties = chosen(TEMPLATE, {"Count": "0"})["Resources"]["Always"]["Properties"]

    assert {"List": ["every"]} == properties


def test_the_defaults_decide_where_nothing_is_said() -> None:
    properties = chosen(TEMPLATE, {})["Resources"]["Always"]["Properties"]

    assert {"List": ["every"], "Value": {"Ref": "Size"}} == properties


def test_a_reference_says_the_value_that_was_chosen() -> None:
    assert "large" == said(chosen(TEMPLATE, {"Size": "large"}), {"Ref": "Size"})
    assert "red" == said(chosen(TEMPLATE, {}), {"Ref": "Colour"})
    assert "7" == said(chosen(TEMPLATE, {}), 7)


def test_there_is_a_variant_for_every_combination_that_conditions_tell_apart() -> None:
    seen = {
        (said(variant, {"Ref": "Size"}), said(variant, {"Ref": "Count"})) for variant in variants(TEMPLATE)
    }

    assert {("small", "0"), ("small", "1"), ("large", "0"), ("large", "1")} == seen


def test_the_service_is_judged_under_every_strategy_with_and_without_gate_on_blue_and_on_green() -> None:
    seen = {
        tuple(said(variant, {"Ref": name}) for name in ("DeploymentStrategy", "DeploymentGate", "BlueWeight"))
        for variant in variants(read("ecs-stack"))
    }

    assert 4 * 2 * 2 == len(seen)
