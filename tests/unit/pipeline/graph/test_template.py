"""Templates: parameters, outputs, secure references, and the line of every resource."""

from pathlib import Path

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from pipeline.errors import TemplateError
from pipeline.graph import template
from pipeline.graph.data_types import HOLDS_DATA

BODY = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  EnvironmentName: {Type: String}
  TaskCount: {Type: Number, Default: 2, MinValue: 1, MaxValue: 10}
  Deep: {Type: String, Default: true}
Resources:
  # A comment
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    Properties:
      MasterUserPassword: !Sub '{{resolve:ssm-secure:/${ServiceName}/${EnvironmentName}/database/password}}'
      Tags: !GetAtt Other.Arn
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: !Join [',', !Split ['|', !Ref EnvironmentName]]
      VpcId: !FindInMap {a: b}
Outputs:
  Endpoint: {Value: !GetAtt Database.Endpoint.Address}
"""


def parse(body: str = BODY) -> template.Template:
    return template.parse("rds-database", "infra/rds-database.yaml", body)


def test_a_template_tells_its_parameters_outputs_and_resources() -> None:
    parsed = parse()

    assert ["EnvironmentName", "TaskCount", "Deep"] == list(parsed.parameters)
    assert {"TaskCount": "2", "Deep": "true"} == {
        name: given.default for name, given in parsed.parameters.items() if given.default is not None
    }
    assert frozenset({"Endpoint"}) == parsed.outputs
    assert {"Database": "AWS::RDS::DBInstance", "Group": "AWS::EC2::SecurityGroup"} == {
        r.logical_id: r.type for r in parsed.resources.values()
    }


def test_a_resource_is_found_by_file_and_line() -> None:
    assert "infra/rds-database.yaml:8" == parse().where("Database")
    assert "infra/rds-database.yaml:14" == parse().where("Group")
    assert "infra/rds-database.yaml" == parse().where("Unknown")


@pytest.mark.parametrize("declared", ["password", "[{Name: password}]", "['']", "[/orders/password]"])
def test_secrets_that_are_no_list_of_names_are_refused(declared: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse(f"Metadata: {{Slipway: {{Secrets: {declared}}}}}\nResources: {{A: {{Type: X}}}}")

    assert "Secrets under Metadata and Slipway is no list of names" in refused.value.what


def test_only_a_deletion_policy_other_than_delete_guards_a_resource() -> None:
    parsed = parse()

    assert parsed.resources["Database"].kept
    assert not parsed.resources["Group"].kept


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        ("{Type: 'AWS::S3::Bucket'}", True),
        ("{Type: 'Custom::Ledger'}", False),
        ("{Type: 'Custom::Ledger', DeletionPolicy: Retain}", True),
        ("{Type: 'Custom::Ledger', Metadata: {Slipway: {HoldsData: true}}}", True),
        ("{Type: 'Custom::Ledger', Metadata: {Other: {HoldsData: true}}}", False),
    ],
)
def test_a_resource_holds_data_by_its_type_its_policy_or_its_mark(resource: str, holds: bool) -> None:
    assert holds == parse(f"Resources: {{A: {resource}}}").resources["A"].holds_data


@pytest.mark.parametrize(
    "mark", ["{HoldsData: yes please}", "{HoldsData: false}", "{HoldData: true}", "true"]
)
def test_a_mark_that_means_nothing_is_refused(mark: str) -> None:
    with pytest.raises(TemplateError, match="A has Metadata that Slipway does not know"):
        parse(f"Resources: {{A: {{Type: X, Metadata: {{Slipway: {mark}}}}}}}")


def test_every_type_that_holds_data_is_one_that_cloudformation_has() -> None:
    assert [] == sorted(HOLDS_DATA - set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")))


def test_a_template_without_an_environment_name_is_account_wide() -> None:
    account_wide = template.parse("ecr", "infra/ecr.yaml", "Resources: {A: {Type: X}}")

    assert "orders-ecr" == account_wide.stack_name("orders", "dev")
    assert "orders-dev-rds-database" == parse().stack_name("orders", "dev")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("Resources: {A: {Type: X\n", "infra/rds-database.yaml:2 does not parse"),
        ("a: 1\na: 2\n", "infra/rds-database.yaml:2 does not parse"),
        ("Parameters: {}\n", "infra/rds-database.yaml is not a CloudFormation template"),
        ("Resources:\n  A: {Properties: {}}\n", "infra/rds-database.yaml:2: A has no Type"),
        ("Resources: {A: {Type: X}}\nParameters: [P]\n", "infra/rds-database.yaml: Parameters is no mapping"),
        ("Resources: {A: {Type: X}}\nOutputs: 5\n", "infra/rds-database.yaml: Outputs is no mapping"),
        (
            "Resources: {A: {Type: X}}\nMetadata: {Slipway: yes}\n",
            "infra/rds-database.yaml: Slipway is no mapping",
        ),
        ("Resources: {A: {Type: X}}\n#" + "x" * 51_200, "infra/rds-database.yaml is too long"),
    ],
)
def test_a_template_that_cannot_be_deployed_is_refused_with_file_and_line(body: str, what: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse(body)

    assert what == refused.value.what


def test_every_template_that_does_not_parse_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("Resources: [")

    with pytest.raises(TemplateError) as refused:
        template.load_all(tmp_path)

    assert "2 templates do not parse" == refused.value.what
    assert 2 == len(refused.value.details)


def test_what_can_not_be_read_is_a_fault_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("# Größe\nResources: {A: {Type: X}}\n".encode("latin-1"))
    (tmp_path / "directory.yaml").mkdir()

    with pytest.raises(TemplateError) as refused:
        template.load_all(tmp_path)

    assert ["directory.yaml", "latin.yaml"] == [
        fault.partition(" can't be read as UTF-8")[0].rpartition("/")[2] for fault in refused.value.details
    ]


def test_an_empty_infra_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        template.load_all(tmp_path)


def test_a_template_that_is_no_part_of_a_release_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "ecr.yaml").write_text("Metadata: {Slipway: {}}\nResources: {A: {Type: X}}")
    (tmp_path / "once.yaml").write_text("Metadata: {Slipway: {Release: false}}\nResources: {A: {Type: X}}")

    assert ["ecr"] == [t.name for t in template.load_all(tmp_path)]
