"""Plain values of a template on a running local AWS."""

from tests.support.rehearsal import Rehearsal

TEMPLATE = """
Parameters:
  Switch: {Type: String, Default: true, AllowedValues: [true, false]}
Resources:
  Plain: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: true}}
  Subbed: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub ["${A}", {A: false}]}}
Outputs:
  Switch: {Value: !Ref Switch}
  Literal: {Value: true}
  Plain: {Value: !GetAtt Plain.Value}
  Subbed: {Value: !GetAtt Subbed.Value}
"""


def test_a_truth_value_where_text_is_due_is_cloudformations(rehearsal: Rehearsal) -> None:
    stack = rehearsal.deploy("text", TEMPLATE)

    assert {"Switch": "true", "Literal": "true", "Plain": "true", "Subbed": "false"} == {
        output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]
    }
