"""Two regions side by side: the same names in both, and neither sees the other's."""

import boto3
import requests

from tests.support.rehearsal import Rehearsal

REGIONS = ("eu-west-1", "us-east-1")
STACK = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
  One:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.1.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  Two:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.2.0/24, AvailabilityZone: !Select [1, !GetAZs '']}
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}}
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupDescription: both, SubnetIds: [!Ref One, !Ref Two]}
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties:
      DBInstanceIdentifier: everywhere
      Engine: mysql
      DBInstanceClass: db.t4g.micro
      AllocatedStorage: 20
      MasterUsername: app
      MasterUserPassword: Pass-phrase_1234
      DBSubnetGroupName: !Ref Subnets
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Name: everywhere, Subnets: [!Ref One, !Ref Two]}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 80
      Protocol: HTTP
      DefaultActions:
        - Type: fixed-response
          FixedResponseConfig: {StatusCode: '200', ContentType: text/plain, MessageBody: !Ref AWS::Region}
Outputs:
  Role: {Value: !Ref Role}
  Host: {Value: !GetAtt Database.Endpoint.Address}
  Url: {Value: !Sub 'http://${Balancer.DNSName}'}
"""


def test_the_same_stack_lives_in_two_regions_and_each_load_balancer_answers_for_its_own(
    rehearsal: Rehearsal,
) -> None:
    answers: dict[str, str] = {}
    left: dict[str, str] = {}
    names: set[str] = set()
    clients = {
        region: boto3.client(
            "cloudformation",
            endpoint_url=rehearsal.aws.endpoint_url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for region in REGIONS
    }
    for client in clients.values():
        client.create_stack(StackName="twin", TemplateBody=STACK)
    for region, client in clients.items():
        client.get_waiter("stack_create_complete").wait(StackName="twin", WaiterConfig={"Delay": 1})
        (stack,) = client.describe_stacks(StackName="twin")["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        answers[region] = requests.get(outputs["Url"], timeout=5).text
        left[region] = outputs["Url"]
        names |= {outputs["Role"], outputs["Host"]}
    clients["us-east-1"].delete_stack(StackName="twin")
    clients["us-east-1"].get_waiter("stack_delete_complete").wait(StackName="twin", WaiterConfig={"Delay": 1})
    still = requests.get(left["eu-west-1"], timeout=5).text
    clients["eu-west-1"].delete_stack(StackName="twin")

    assert {region: region for region in REGIONS} == answers
    assert 4 == len(names)
    assert "eu-west-1" == still
