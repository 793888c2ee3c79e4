"""Through the API: what AWS would refuse is refused with AWS's error."""

import docker
import pytest
from botocore.exceptions import ClientError

LOG_GROUP = "Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n"


@pytest.fixture(scope="module")
def network(rehearsal):
    ec2 = rehearsal.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")[
            "Subnet"
        ]
        for n, zone in enumerate("ab")
    ]
    return vpc, [subnet["SubnetId"] for subnet in subnets]


def refused(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"]


def test_an_unknown_vpc(rehearsal):
    ec2 = rehearsal.client("ec2")

    assert "InvalidVpcID.NotFound" == refused(ec2.create_subnet, VpcId="vpc-nope", CidrBlock="10.0.0.0/24")
    assert "InvalidVpcID.NotFound" == refused(
        ec2.create_security_group, VpcId="vpc-nope", GroupName="x", Description="x"
    )


def test_an_unknown_security_group_in_a_rule(rehearsal, network):
    ec2 = rehearsal.client("ec2")
    group = ec2.create_security_group(VpcId=network[0], GroupName="x", Description="x")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": "sg-nope"}]}

    assert "InvalidGroup.NotFound" == refused(
        ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule]
    )


def test_an_unknown_security_group_or_subnet_of_a_load_balancer(rehearsal, network):
    create = rehearsal.client("elbv2").create_load_balancer

    assert "SubnetNotFound" == refused(create, Name="x", Subnets=["subnet-nope", network[1][0]])
    assert "InvalidSecurityGroup" == refused(create, Name="x", Subnets=network[1], SecurityGroups=["sg-nope"])


def test_a_stack_whose_resource_names_nothing_rolls_back_with_the_reason(rehearsal, network):
    stack = rehearsal.deploy(
        "names-nothing",
        "Resources:\n  Group:\n    Type: AWS::EC2::SecurityGroup\n"
        "    Properties:\n      GroupDescription: x\n"
        f"      VpcId: {network[0]}\n      SecurityGroupIngress:\n"
        "        - {IpProtocol: tcp, FromPort: 1, ToPort: 1, SourceSecurityGroupId: sg-nope}\n",
    )

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert "The security group 'sg-nope' does not exist" in rehearsal.failures("names-nothing")[0]


def test_a_parameter_that_names_nothing(rehearsal, network):
    template = "Parameters:\n  Subnets:\n    Type: List<AWS::EC2::Subnet::Id>\n" + LOG_GROUP
    change_set = {
        "StackName": "parameter",
        "ChangeSetName": "first",
        "ChangeSetType": "CREATE",
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": "Subnets", "ParameterValue": f"{network[1][0]},subnet-nope"}],
    }
    with pytest.raises(
        ClientError, match="parameter value subnet-nope for parameter name Subnets does not exist"
    ):
        rehearsal.client("cloudformation").create_change_set(**change_set)


def test_an_update_of_a_stack_that_can_only_be_deleted(rehearsal):
    rehearsal.deploy(
        "rolled-back",
        "Resources:\n  Subnet:\n    Type: AWS::EC2::Subnet\n"
        "    Properties: {VpcId: vpc-nope, CidrBlock: 10.0.0.0/24}\n",
    )
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        rehearsal.client("cloudformation").create_change_set(
            StackName="rolled-back", ChangeSetName="next", ChangeSetType="UPDATE", TemplateBody=LOG_GROUP
        )

    assert "DELETE_COMPLETE" == rehearsal.delete("rolled-back")


def test_a_property_that_the_local_aws_does_not_do_is_refused_in_a_template_and_by_operation(rehearsal):
    task = "{Name: app, Image: i, StartTimeout: 60}"
    stack = rehearsal.deploy(
        "not-done",
        "Resources:\n  Task:\n    Type: AWS::ECS::TaskDefinition\n"
        f"    Properties: {{Family: f, ContainerDefinitions: [{task}]}}\n",
    )
    metric = {"Namespace": "N", "MetricName": "M", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    compared = {"ComparisonOperator": "GreaterThanThreshold", "ExtendedStatistic": "p99"}

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any(
        "does not do ContainerDefinitions.StartTimeout" in reason for reason in rehearsal.failures("not-done")
    )
    assert "InvalidParameterException" == refused(
        rehearsal.client("ecs").register_task_definition, family="f", pidMode="task", containerDefinitions=[]
    )
    assert "ValidationError" == refused(
        rehearsal.client("elbv2").create_target_group, Name="x", TargetType="lambda"
    )
    assert "ValidationError" == refused(
        rehearsal.client("cloudwatch").put_metric_alarm, AlarmName="x", **metric, **compared
    )
    assert "InvalidParameterValue" == refused(
        rehearsal.client("rds").create_db_instance,
        DBInstanceIdentifier="x",
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        ManageMasterUserPassword=True,
    )


def test_an_empty_change_set_fails_in_cloudformations_words(rehearsal):
    cloudformation = rehearsal.client("cloudformation")
    rehearsal.deploy("unchanged", LOG_GROUP)
    cloudformation.create_change_set(StackName="unchanged", ChangeSetName="none", TemplateBody=LOG_GROUP)
    change_set = cloudformation.describe_change_set(StackName="unchanged", ChangeSetName="none")

    assert "FAILED" == change_set["Status"]
    assert "didn't contain changes" in change_set["StatusReason"]


def test_an_immutable_tag_is_not_pushed_over(rehearsal):
    ecr, client = rehearsal.client("ecr"), docker.from_env()
    uri = ecr.create_repository(repositoryName="immutable", imageTagMutability="IMMUTABLE")["repository"][
        "repositoryUri"
    ]
    said = []
    for text in ("one", "two"):
        image = client.api.import_image_from_data(text_archive(text), repository=uri, tag="t")
        said.append(list(client.images.push(uri, tag="t", stream=True, decode=True)))
        client.images.remove(f"{uri}:t", force=True)
        assert image

    assert not any("error" in line for line in said[0])
    assert "immutable" in said[1][-1]["error"]
    assert 1 == len(ecr.describe_images(repositoryName="immutable")["imageDetails"])


def test_a_push_into_a_repository_that_does_not_exist(rehearsal):
    client = docker.from_env()
    uri = f"{rehearsal.aws.endpoint_url.removeprefix('http://')}/nowhere"
    client.api.import_image_from_data(text_archive("x"), repository=uri, tag="t")
    said = list(client.images.push(uri, tag="t", stream=True, decode=True))
    client.images.remove(f"{uri}:t", force=True)

    assert "error" in said[-1]


def text_archive(text):
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
