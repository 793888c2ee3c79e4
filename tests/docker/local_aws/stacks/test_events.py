"""The events of a stack's resources on a running local AWS."""

from tests.support.rehearsal import Rehearsal

TWO_PARAMETERS = """
Parameters: {Changing: {Type: String}}
Resources:
  Same: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: always}}
  Other: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Changing}}
"""


def test_an_update_shows_only_what_it_changes(rehearsal: Rehearsal) -> None:
    rehearsal.deploy("two-parameters", TWO_PARAMETERS, Changing="before")
    rehearsal.deploy("two-parameters", TWO_PARAMETERS, Changing="after")

    events = rehearsal.client("cloudformation").describe_stack_events(StackName="two-parameters")[
        "StackEvents"
    ]
    shown = [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]
    update = shown[shown.index(("two-parameters", "UPDATE_IN_PROGRESS")) :]
    rehearsal.delete("two-parameters")

    assert [
        ("two-parameters", "UPDATE_IN_PROGRESS"),
        ("Other", "UPDATE_IN_PROGRESS"),
        ("Other", "UPDATE_COMPLETE"),
        ("two-parameters", "UPDATE_COMPLETE"),
    ] == update
