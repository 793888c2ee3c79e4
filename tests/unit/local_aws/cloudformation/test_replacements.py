"""A change set of the local AWS says of everything that holds data what AWS's schemas say of it."""

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local_aws.cloudformation import replacements
from local_aws.emulator import internals
from pipeline.graph.data_types import HOLDS_DATA


def properties(resource_type: str, kind: str) -> tuple[str, ...]:
    """The properties of a type that its schema lists as `kind`, without what lies within them."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return tuple(sorted({path.split("/")[2] for path in schema.get(kind, [])}))


def test_the_tables_are_those_of_the_schemas():
    every = replacements.REPLACING
    assert every == {kind: properties(kind, "createOnlyProperties") for kind in every}
    perhaps = {kind: properties(kind, "conditionalCreateOnlyProperties") for kind in every}
    assert replacements.PERHAPS_REPLACING == {kind: found for kind, found in perhaps.items() if found}


def test_every_type_with_data_that_the_local_aws_makes_has_its_table(registry):
    replacements.register(registry)
    made = internals.get("cloudformation.provisioners", "_RESOURCE_HANDLERS")
    known = internals.get("cloudformation.provisioners", "_REPLACING_PROPERTIES")
    assert [] == sorted((HOLDS_DATA & made.keys()) - known.keys())


@pytest.mark.parametrize(("name", "word"), [("LogGroupName", "Always"), ("RetentionInDays", "Never")])
def test_a_log_group_is_replaced_for_its_name_alone(registry, name, word):
    replacements.register(registry)
    recreation = internals.get("cloudformation.provisioners", "_property_recreation")
    assert word == recreation("AWS::Logs::LogGroup", name)
