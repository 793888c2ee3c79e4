"""What a template's alarm on a target group looks at."""

import json
from typing import Any

TEMPLATE = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
        "Group": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"TargetType": "ip", "Port": 80, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}},
        },
    },
    "Outputs": {
        "Arn": {"Value": {"Ref": "Group"}},
        "FullName": {"Value": {"Fn::GetAtt": ["Group", "TargetGroupFullName"]}},
    },
}


def test_the_full_name_of_a_target_group_is_the_dimension_of_its_metrics(rehearsal: Any) -> None:
    stack = rehearsal.deploy("full-name", json.dumps(TEMPLATE))
    given = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    assert "targetgroup/" + given["Arn"].partition(":targetgroup/")[2] == given["FullName"]
