"""A nested stack is a stack like any other; its parent makes it, waits for it, and takes it away."""

from typing import Any

import pytest

from local_aws.cloudformation.nested_stacks import outputs_of, request_of


@pytest.mark.parametrize(("given", "text"), [(1, "1"), (True, "true"), ("a,b", "a,b")])
def test_parameters_go_in_as_text(given: Any, text: str) -> None:
    request = request_of({"TemplateURL": "https://x", "Parameters": {"P": given}})

    assert [{"ParameterKey": "P", "ParameterValue": text}] == request["Parameters"]


def test_a_list_is_refused_as_it_is_at_aws() -> None:
    with pytest.raises(ValueError, match="must be an object with String"):
        request_of({"TemplateURL": "https://x", "Parameters": {"P": ["a", "b"]}})


def test_the_tags_that_cloudformation_sets_by_itself_are_not_passed_on() -> None:
    tags = [{"Key": "aws:cloudformation:stack-id", "Value": "x"}, {"Key": "service", "Value": "orders"}]

    assert tags[1:] == request_of({"Tags": tags})["Tags"]


def test_outputs_are_attributes() -> None:
    stack = {"Outputs": [{"OutputKey": "Url", "OutputValue": "http://x"}]}

    assert {"Outputs.Url": "http://x"} == outputs_of(stack)
