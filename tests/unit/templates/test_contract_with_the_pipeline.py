"""The pipeline finds the parts of a rollout by their names in the template, and there they are."""

from pipeline.graph import template
from pipeline.release import running_tasks
from pipeline.rollout import gate, migration, traffic_weights
from tests.unit.templates.reading import INFRA, of_type, read, reference
from tests.unit.templates.variants import chosen

PATH = INFRA / "ecs-stack.yaml"


def parsed():
    return template.parse("ecs-stack", "infra/ecs-stack.yaml", PATH.read_text(encoding="utf-8"))


def test_the_weights_that_the_pipeline_guards_are_those_of_the_production_rule():
    rule = read("ecs-stack")["Resources"][traffic_weights.PRODUCTION_RULE]
    targets = rule["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"]

    assert traffic_weights.guarded(parsed())
    assert traffic_weights.GROUPS == {reference(t["Weight"]): reference(t["TargetGroupArn"]) for t in targets}


def test_the_test_rule_listens_to_the_header_that_the_pipeline_sends():
    headers = [
        condition["HttpHeaderConfig"]["HttpHeaderName"]
        for condition in read("ecs-stack")["Resources"]["TestRule"]["Properties"]["Conditions"]
        if "HttpHeaderConfig" in condition
    ]

    assert [gate.TEST_HEADER] == headers


def test_the_pipeline_makes_the_secret_of_the_test_rule_as_a_plain_parameter():
    values = {"ServiceName": "orders", "EnvironmentName": "dev"}

    assert {"/orders/dev/test-traffic/secret": "String"} == parsed().own_secrets(values)


def test_the_migration_finds_its_container_its_role_its_security_group_and_the_databases():
    gated = chosen(read("ecs-stack"), {})
    containers = gated["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    assert [migration.CONTAINER] == [container["Name"] for container in containers]
    assert "MigrationTaskRole" in dict(of_type(gated, "AWS::IAM::Role"))
    assert "MigrationSecurityGroup" in dict(of_type(gated, "AWS::EC2::SecurityGroup"))
    assert "DatabaseClientSecurityGroupId" in gated["Parameters"]


def test_the_role_of_the_migration_lies_where_the_pipeline_looks_for_it():
    """Its ARN is made from its name alone, so it may have no path."""
    assert "Path" not in read("ecs-stack")["Resources"]["MigrationTaskRole"]["Properties"]


def test_the_count_and_the_task_definition_that_the_pipeline_puts_back_are_the_services():
    template = read("ecs-stack")
    service = template["Resources"]["Service"]["Properties"]

    assert running_tasks.COUNT == reference(service["DesiredCount"])
    assert service["TaskDefinition"] == template["Outputs"]["TaskDefinitionArn"]["Value"]
