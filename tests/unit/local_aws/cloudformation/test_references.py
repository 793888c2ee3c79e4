import pytest

from local_aws.cloudformation.references import refuse_resource, values_at


def exists(kind, name):
    return name.endswith("-1")


def test_ids_that_exist_are_taken():
    refuse_resource("AWS::EC2::Subnet", {"VpcId": "vpc-1"}, exists)


def test_a_type_that_names_nothing_is_taken():
    refuse_resource("AWS::Logs::LogGroup", {"VpcId": "vpc-9"}, exists)


@pytest.mark.parametrize(
    ("resource_type", "properties", "words"),
    [
        ("AWS::EC2::Subnet", {"VpcId": "vpc-9"}, "The vpc ID 'vpc-9' does not exist"),
        (
            "AWS::EC2::SecurityGroup",
            {"VpcId": "vpc-1", "SecurityGroupIngress": [{"SourceSecurityGroupId": "sg-9"}]},
            "The security group 'sg-9' does not exist",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"Subnets": ["subnet-1", "subnet-9"]},
            "The subnet ID 'subnet-9' does not exist",
        ),
        (
            "AWS::EC2::SubnetRouteTableAssociation",
            {"SubnetId": "subnet-1", "RouteTableId": "rtb-9"},
            "The routeTable ID 'rtb-9' does not exist",
        ),
    ],
)
def test_an_id_that_names_nothing_is_refused_in_ec2s_words(resource_type, properties, words):
    with pytest.raises(ValueError, match=words):
        refuse_resource(resource_type, properties, exists)


def test_a_path_leads_through_lists_and_stops_where_nothing_is():
    properties = {"A": [{"B": "x"}, {"C": "y"}, {"B": {"not": "a string"}}]}

    assert ["x"] == list(values_at(properties, ["A", "*", "B"]))
    assert [] == list(values_at(properties, ["Z", "*", "B"]))
