"""Change sets are read to the end, page by page."""

from pipeline.cloudformation import change_set
from pipeline.cloudformation.change_set import ResourceChange
from pipeline.graph import template
from tests.support.fakes import FakeCloudFormation, Time

WANTED = change_set.StackSpec(
    "app", template.parse("app", "infra/app.yaml", "Resources: {A: {Type: X}}"), {}, {}
)


def create(cloudformation: FakeCloudFormation) -> change_set.Changes | change_set.NoChanges:
    return change_set.create(cloudformation, WANTED, Time().wait, new=True)


def test_changes_of_every_page_are_read() -> None:
    cloudformation = FakeCloudFormation()
    cloudformation.changes = [
        {"ResourceChange": {"Action": "Add", "LogicalResourceId": "One", "ResourceType": "X"}},
        {
            "ResourceChange": {
                "Action": "Modify",
                "LogicalResourceId": "Two",
                "ResourceType": "Y",
                "Replacement": "True",
                "Details": [
                    {"Target": {"Attribute": "Properties", "Name": "Size"}},
                    {"Target": {"Attribute": "Properties", "Name": "Size", "Path": "/Properties/Size"}},
                    {"Target": {"Attribute": "Tags"}},
                ],
            }
        },
    ]

    outcome = create(cloudformation)

    assert isinstance(outcome, change_set.Changes)
    assert [
        ResourceChange("Add", "One", "X"),
        ResourceChange("Modify", "Two", "Y", "True", ("Size", "Properties/Size", "Tags")),
    ] == outcome.changes


def test_an_empty_change_set_is_a_type_of_its_own() -> None:
    cloudformation = FakeCloudFormation()
    cloudformation.empty.add("app")

    assert isinstance(create(cloudformation), change_set.NoChanges)


def test_the_summary_counts_and_tells_replacement_from_modification() -> None:
    changes = [
        ResourceChange("Add", "A", "X"),
        ResourceChange("Add", "B", "X"),
        ResourceChange("Modify", "C", "X"),
        ResourceChange("Modify", "D", "X", "True"),
        ResourceChange("Remove", "E", "X"),
    ]

    assert "2 to add, 1 to modify, 1 to replace, 1 to remove" == change_set.summary(changes)
    assert "outputs or tags only" == change_set.summary([])


def test_what_is_removed_or_may_be_replaced_loses_what_is_there() -> None:
    assert ResourceChange("Remove", "A", "X").removes_what_is_there
    assert ResourceChange("Modify", "A", "X", "Conditional").removes_what_is_there
    assert not ResourceChange("Modify", "A", "X", "False").removes_what_is_there
    assert not ResourceChange("Add", "A", "X").removes_what_is_there
