"""AWS::RDS::DBInstance through CloudFormation, with a real server."""

import json

import docker
import pymysql
import pytest

import local_aws
from local_aws.checkout import for_checkout
from pipeline.waiting import wait_until

PASSWORD = "Pass-phrase_1234"
TEMPLATE = """
Parameters:
  Class: {Type: String, Default: db.t4g.micro}
  AtOnce: {Type: String, Default: 'true'}
  Name: {Type: String, Default: first}
  Group: {Type: String, Default: ''}
  Policy: {Type: String, Default: Delete}
  Secret: {Type: String, Default: /test/password}
Transform: AWS::LanguageExtensions
Conditions:
  HasGroup: !Not [!Equals [!Ref Group, '']]
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 10.0.0.0/16}
  One:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: eu-west-1a}
  Two:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: eu-west-1b}
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupDescription: both, SubnetIds: [!Ref One, !Ref Two]}
  Settings:
    Type: AWS::RDS::DBParameterGroup
    Properties: {Description: x, Family: mysql8.4, Parameters: {require_secure_transport: '1'}}
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: !Ref Policy
    UpdateReplacePolicy: !Ref Policy
    Properties:
      Engine: mysql
      EngineVersion: '8.4'
      DBInstanceClass: !Ref Class
      ApplyImmediately: !Ref AtOnce
      AllocatedStorage: 20
      DBName: !Ref Name
      MasterUsername: app
      MasterUserPassword: !Sub '{{resolve:ssm-secure:${Secret}}}'
      DBSubnetGroupName: !Ref Subnets
      DBParameterGroupName: !Ref Settings
      VPCSecurityGroups: !If [HasGroup, [!Ref Group], !Ref AWS::NoValue]
Outputs:
  Host: {Value: !GetAtt Database.Endpoint.Address}
  Port: {Value: !GetAtt Database.Endpoint.Port}
  Identifier: {Value: !Ref Database}
"""


@pytest.fixture(scope="module")
def database(rehearsal):
    for name, value in {"/test/password": PASSWORD, "/test/other": PASSWORD + "5"}.items():
        rehearsal.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")
    stack = rehearsal.deploy("db", TEMPLATE)
    assert "CREATE_COMPLETE" == stack["StackStatus"], rehearsal.failures("db")
    return rehearsal


def outputs(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def described(database):
    return database.client("cloudformation").describe_stacks(StackName="db")["Stacks"][0]


def container(database):
    name = for_checkout(database.checkout).name("database", outputs(described(database))["Identifier"])
    return docker.from_env().containers.get(name)


def connect(database, schema="first", password=PASSWORD):
    networks = container(database).attrs["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"]
    return pymysql.connect(host=address, user="app", password=password, database=schema, autocommit=True)


def asked(database, sql, **how):
    with connect(database, **how) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def answers(database):
    try:
        return ((1,),) == asked(database, "select 1")
    except pymysql.OperationalError:
        return False


def test_the_server_accepts_connections_as_soon_as_the_stack_is_complete(database):
    assert ((1,),) == asked(database, "select 1")


def test_the_endpoint_is_a_name_on_the_checkouts_network(database):
    given = outputs(described(database))
    network = for_checkout(database.checkout).network

    assert given["Host"] in container(database).attrs["NetworkSettings"]["Networks"][network]["Aliases"]
    assert "3306" == given["Port"]


def test_a_server_that_somebody_stopped_is_started_again_by_up(database):
    container(database).stop(timeout=20)

    said = []
    local_aws.up(database.checkout, said.append)

    assert [f"starting the stopped {container(database).name}"] == said
    wait_until(lambda: answers(database) or None, what="the database", timeout=30)


def test_a_server_whose_container_somebody_removed_is_made_again_with_its_data(database):
    asked(database, "create table left_behind (id int)")
    container(database).remove(force=True)

    def there():
        try:
            return answers(database) or None
        except docker.errors.NotFound:
            return None

    wait_until(there, what="the database", timeout=60)

    assert (("left_behind",),) == asked(database, "show tables like 'left_behind'")


def test_describe_db_instances_tells_the_truth(database):
    instance = database.client("rds").describe_db_instances()["DBInstances"][0]

    assert "available" == instance["DBInstanceStatus"]
    assert outputs(described(database))["Host"] == instance["Endpoint"]["Address"]


def test_a_setting_of_the_parameter_group_is_in_force(database):
    assert ((1,),) == asked(database, "select @@require_secure_transport")
    assert (("utf8mb4",),) == asked(database, "select @@character_set_database")


def test_the_master_password_is_neither_in_docker_inspect_nor_in_the_process_list(database):
    running = container(database)

    assert PASSWORD not in json.dumps(running.attrs)
    assert PASSWORD not in json.dumps(running.top())
    assert 0 != running.exec_run(["ls", "/run/slipway.sql"]).exit_code


def test_the_master_user_is_no_superuser(database):
    with pytest.raises(pymysql.err.MySQLError):
        asked(database, "set global max_connections = 5")


def test_another_instance_class_keeps_the_data(database):
    asked(database, "create table kept (id int)")
    stack = database.deploy("db", TEMPLATE, Class="db.t4g.small")

    assert "UPDATE_COMPLETE" == stack["StackStatus"]
    assert (("kept",),) == asked(database, "show tables like 'kept'")


def test_another_instance_class_waits_for_the_maintenance_window_where_the_template_says_so(database):
    def instance():
        return database.client("rds").describe_db_instances()["DBInstances"][0]

    database.deploy("db", TEMPLATE, Class="db.t4g.large", AtOnce="false")
    waiting = instance()
    database.deploy("db", TEMPLATE, Class="db.t4g.large", AtOnce="true")
    there = instance()

    assert "db.t4g.small" == waiting["DBInstanceClass"]
    assert {"DBInstanceClass": "db.t4g.large"} == waiting["PendingModifiedValues"]
    assert ("db.t4g.large", {}) == (there["DBInstanceClass"], there["PendingModifiedValues"])


def test_another_password_is_in_force_at_once_and_the_old_one_is_not(database):
    database.deploy("db", TEMPLATE, Class="db.t4g.small", Secret="/test/other")

    assert ((1,),) == asked(database, "select 1", password=PASSWORD + "5")
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        asked(database, "select 1")

    database.deploy("db", TEMPLATE, Class="db.t4g.small", Secret="/test/password")

    assert ((1,),) == asked(database, "select 1")


def test_data_survive_a_killed_server(database):
    asked(database, "create table if not exists survivor (id int)")
    server = container(database)
    # From outside: a container's first process takes no SIGKILL from within. It is no stop by Docker either.
    docker.from_env().containers.run(
        server.image,
        entrypoint=["sh", "-c", f"kill -9 {server.attrs['State']['Pid']}"],
        pid_mode="host",
        remove=True,
    )

    def found():
        try:
            return asked(database, "show tables like 'survivor'")
        except (pymysql.err.OperationalError, StopIteration):
            return None

    assert (("survivor",),) == wait_until(found, what="the server's return", timeout=60, first_pause=0.1)
    assert server.id == container(database).id
    assert 1 == container(database).attrs["RestartCount"]


def test_an_unknown_security_group_fails_the_stack_and_leaves_the_old_database(database):
    stack = database.deploy("db", TEMPLATE, Class="db.t4g.small", Group="sg-nope")

    assert "UPDATE_ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert "Invalid security group , groupId= sg-nope" in " ".join(database.failures("db"))
    assert ((1,),) == asked(database, "select 1")


def test_deleting_with_a_snapshot_keeps_the_data_and_without_one_nothing(database):
    database.deploy("db", TEMPLATE, Class="db.t4g.small", Policy="Snapshot")

    assert "DELETE_COMPLETE" == database.delete("db")
    label = {"label": for_checkout(database.checkout).label_filter}
    client = docker.from_env()

    assert [] == client.containers.list(
        all=True, filters={"label": ["slipway.kind=database", label["label"]]}, ignore_removed=True
    )
    assert 1 == len(client.volumes.list(filters=label))
    assert 1 == len(database.client("rds").describe_db_snapshots()["DBSnapshots"])

    database.deploy("db", TEMPLATE)
    database.delete("db")

    assert 1 == len(client.volumes.list(filters=label))
