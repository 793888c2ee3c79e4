"""A plan shows what a deploy would do and leaves nothing behind."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.cli import plan_report
from pipeline.errors import BusyError, MissingInputError, ProtectedError, TemplateError
from pipeline.github import plan_comment
from pipeline.inspect import plan
from pipeline.release import deploy as release
from tests.support.fakes import Audience, client_error
from tests.support.small_project import DIGEST, REPOSITORY, SECRET, World, world


@pytest.fixture
def here(tmp_path: Path) -> World:
    return world(tmp_path)


def make(world: World) -> plan.Plan:
    return plan.make(world.context, Audience())


def actions(planned: plan.Plan) -> dict[str, str]:
    return {node.name: node.action for node in planned.nodes}


def shown(planned: plan.Plan) -> str:
    console = Console(file=io.StringIO(), width=200)
    plan_report.show(planned, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_role_that_may_delete_no_stack_can_plan_all_the_same(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: Any) -> dict[str, Any]:
        raise client_error(
            "DeleteStack", "AccessDenied", "not authorized to perform: cloudformation:DeleteStack"
        )

    monkeypatch.setattr(here.cloudformation, "delete_stack", denied)

    first, again = make(here), make(here)

    assert (None, None) == (first.failure, again.failure)
    assert {"create", "make again", "build"} == {*actions(first).values(), *actions(again).values()}


def change(logical_id: str, kind: str, action: str = "Modify", replacement: str = "False") -> dict[str, Any]:
    return {
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": logical_id,
            "ResourceType": kind,
            "Replacement": replacement,
        }
    }


def test_an_empty_account_is_planned_from_change_sets_and_templates(here: World) -> None:
    planned = make(here)

    assert {"ecr": "create", "vpc": "create", "rds": "create", "image": "build", "app": "create"} == actions(
        planned
    )
    rds = next(node for node in planned.nodes if node.name == "rds")
    assert "would create 1 resources (VpcId not known before the deploy)" == rds.note
    assert ("/orders/dev/password",) == rds.new_secrets


def test_nothing_is_left_behind_and_nothing_is_executed(here: World) -> None:
    make(here)

    assert [] == [s for s in here.cloudformation.stacks.values() if s["StackStatus"] != "DELETE_COMPLETE"]
    assert not [line for line in here.cloudformation.log if line.startswith("execute")]
    assert {} == here.ssm.values


def test_a_new_stack_in_which_another_plan_reads_its_own_change_set_is_left_to_that_plan(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = here.cloudformation.describe_change_set

    def another_begins(**request: Any) -> dict[str, Any]:
        if "/orders-ecr/" in request["StackName"]:
            here.cloudformation.create_change_set(
                StackName="orders-ecr", ChangeSetName="slipway-another", ChangeSetType="CREATE"
            )
        return shipped(**request)

    monkeypatch.setattr(here.cloudformation, "describe_change_set", another_begins)
    planned = make(here)

    assert planned.failure is None
    assert "REVIEW_IN_PROGRESS" == here.cloudformation._find("orders-ecr")["StackStatus"]  # type: ignore[index]
    assert ["slipway-another"] == [one["Name"] for one in here.cloudformation._sets.values()]


def test_a_deployed_environment_has_nothing_to_change(here: World) -> None:
    here.deployed()
    here.cloudformation.empty |= {"orders-ecr", "orders-dev-vpc", "orders-dev-rds", "orders-dev-app"}

    planned = make(here)

    assert planned.changes_nothing
    assert "dev: nothing to change" in shown(planned)


def test_change_sets_of_stacks_that_are_there_are_deleted_again(here: World) -> None:
    here.deployed()

    planned = make(here)

    assert {"update", "unchanged"} == set(actions(planned).values())
    assert 4 == here.cloudformation.log.count("delete_change_set")
    assert {} == here.cloudformation._sets


def test_a_stack_whose_template_is_gone_is_named_and_no_change_set_is_made_of_it(here: World) -> None:
    here.deployed().cloudformation.have("orders-dev-old", "CREATE_COMPLETE")

    planned = make(here)

    assert ("orders-dev-old",) == planned.left_over
    assert "orders-dev-old: its template is gone from infra/; no deploy touches it" in shown(planned)
    assert "`orders-dev-old`: its template is gone from infra/" in plan_comment.document(planned)
    assert not [line for line in here.cloudformation.log if "orders-dev-old" in line]


def test_replacing_a_stateful_resource_is_marked(here: World) -> None:
    here.deployed()
    here.cloudformation.changes = [
        change("Database", "AWS::RDS::DBInstance", replacement="True"),
        change("Repository", "AWS::ECR::Repository", action="Remove"),
        change("Vpc", "AWS::EC2::VPC", replacement="True"),
        change("Service", "AWS::ECS::Service"),
    ]

    planned = make(here)

    rds = next(node for node in planned.nodes if node.name == "rds")
    assert {"Database", "Repository"} == rds.losing
    assert "~ Database (AWS::RDS::DBInstance) - replaced: it holds data" in shown(planned)
    assert "data would be lost or replaced: " in shown(planned)


def test_a_resource_that_its_template_guards_counts_as_stateful(here: World) -> None:
    here.deployed()
    here.cloudformation.changes = [change("Repository", "Custom::Anything", action="Remove")]

    ecr = next(node for node in make(here).nodes if node.name == "ecr")

    assert {"Repository"} == ecr.losing


def test_a_stack_that_is_there_and_waits_for_a_new_output_would_be_updated_not_created(here: World) -> None:
    here.deployed()
    for name, old, new in (
        ("vpc", "VpcId: {Value: x}", "VpcId: {Value: x}, Zone: {Value: x}"),
        ("rds", "VpcId: {Type: String}", "VpcId: {Type: String}, Zone: {Type: String}"),
    ):
        file = here.context.project.templates / f"{name}.yaml"
        file.write_text(file.read_text().replace(old, new))

    planned = make(here.reread())

    rds = next(node for node in planned.nodes if node.name == "rds")
    assert {"vpc": "update", "rds": "update", "app": "update"} == {
        name: action for name, action in actions(planned).items() if name in ("vpc", "rds", "app")
    }
    assert () == rds.changes
    assert "would be updated; what of it, and whether data would be lost, is not known" in rds.note
    assert "Zone" in rds.note


def test_no_change_set_is_made_of_a_stack_whose_secret_the_deploy_makes_first(here: World) -> None:
    """AWS looks `{{resolve:ssm:...}}` up as it makes the change set:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
    """
    here.deployed().cloudformation._find("orders-dev-rds")["StackStatus"] = "DELETE_COMPLETE"  # type: ignore[index]
    del here.ssm.values[SECRET]

    rds = next(node for node in make(here).nodes if node.name == "rds")

    assert ("create", "would create 1 resources", (SECRET,)) == (rds.action, rds.note, rds.new_secrets)
    assert ["Database"] == [change.logical_id for change in rds.changes]
    assert "create_change_set CREATE orders-dev-rds" not in here.cloudformation.log


def test_a_secret_that_a_stack_was_made_with_and_that_is_gone_fails_the_plan_as_it_would_the_deploy(
    here: World,
) -> None:
    del here.deployed().ssm.values[SECRET]

    planned = make(here)

    assert isinstance(planned.failure, MissingInputError)
    assert f"orders-dev-rds was made with {SECRET}, which is not there any more" == planned.failure.what
    assert "failed" == actions(planned)["rds"]
    assert "create_change_set UPDATE orders-dev-rds" not in here.cloudformation.log


def test_a_secret_that_the_template_declares_since_is_made_by_the_next_deploy(here: World) -> None:
    file = here.deployed().context.project.templates / "rds.yaml"
    file.write_text(file.read_text().replace("[password]", "[password, session-key]"))

    rds = next(node for node in make(here.reread()).nodes if node.name == "rds")

    assert ("update", ("/orders/dev/session-key",)) == (rds.action, rds.new_secrets)
    assert "is not known before the deploy has /orders/dev/session-key" in rds.note


def test_a_misspelt_reference_fails_the_plan_with_its_line(here: World) -> None:
    file = here.context.project.templates / "rds.yaml"
    file.write_text(file.read_text().replace("/password}}", "/pasword}}"))

    planned = make(here.reread())

    assert isinstance(planned.failure, MissingInputError)
    assert "infra/rds.yaml names /orders/dev/pasword, which does not exist" == planned.failure.what
    assert "infra/rds.yaml:3" == planned.failure.where
    assert () == planned.nodes[0].new_secrets


def test_the_plan_says_which_secret_changed_and_never_its_value(here: World) -> None:
    release.deploy(here.context, Audience(), lambda _, __: None)
    here.ssm.put_parameter(Name=SECRET, Value="rotated-value", Type="SecureString", Overwrite=True)

    planned = make(here)

    rds = next(node for node in planned.nodes if node.name == "rds")
    assert "update" == rds.action
    assert f"{SECRET} changed: version 1, now 2" in rds.note
    assert "rotated-value" not in repr(planned)


def test_an_output_that_an_unchanged_stack_does_not_give_fails_the_plan_as_it_would_the_deploy(
    here: World,
) -> None:
    here.deployed()
    here.cloudformation.empty.add("orders-dev-vpc")
    here.cloudformation._find("orders-dev-vpc")["Outputs"] = []  # type: ignore[index]

    planned = make(here)

    assert isinstance(planned.failure, TemplateError)
    assert "vpc gives no output VpcId, which rds needs" == planned.failure.what
    assert "failed" == actions(planned)["rds"]


def test_a_stack_that_only_has_our_name_fails_the_plan_as_it_would_the_deploy(here: World) -> None:
    here.deployed()
    here.cloudformation._find("orders-dev-vpc")["Tags"] = []  # type: ignore[index]
    here.cloudformation.resources = {"Theirs": ("AWS::S3::Bucket", "their-bucket")}

    planned = make(here)

    assert isinstance(planned.failure, ProtectedError)
    assert "failed" == actions(planned)["vpc"]


def test_an_image_that_would_be_built_stands_in_with_no_digest_of_its_own(here: World) -> None:
    here.deployed()
    (here.context.project.app / "new.py").write_text("print()\n")

    planned = make(here)

    request = {p["ParameterKey"]: p["ParameterValue"] for p in here.cloudformation.last_request["Parameters"]}
    assert "build" == actions(planned)["image"]
    assert f"{REPOSITORY}@{plan.NOT_BUILT_YET}" == request["ImageUri"]
    assert DIGEST != plan.NOT_BUILT_YET


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("ROLLBACK_COMPLETE", "make again"),
        ("UPDATE_IN_PROGRESS", "busy"),
        ("UPDATE_ROLLBACK_FAILED", "stuck"),
    ],
)
def test_a_stack_in_a_bad_state_is_told_with_what_would_happen(here: World, status: str, action: str) -> None:
    here.deployed()
    here.cloudformation._find("orders-dev-vpc")["StackStatus"] = status  # type: ignore[index]

    vpc = next(node for node in make(here).nodes if node.name == "vpc")

    assert action == vpc.action
    assert status in vpc.note


def test_no_plan_is_made_while_a_deploy_runs(here: World) -> None:
    here.ssm.put_parameter(Name="/slipway/orders/dev/lock", Value="{}", Type="String", Overwrite=False)

    with pytest.raises(BusyError):
        make(here)


def test_a_refused_change_set_fails_the_plan_with_awss_words(here: World) -> None:
    here.cloudformation.refusal = "Parameter validation failed"

    planned = make(here)

    assert planned.failure is not None
    assert "Parameter validation failed" == planned.failure.why
    assert not planned.changes_nothing


def test_a_change_set_that_would_move_productions_traffic_fails_the_plan(here: World) -> None:
    file = here.context.project.templates / "app.yaml"
    text = file.read_text().replace(
        "Resources:\n", "  BlueWeight: {Type: Number, Default: 100}\n"
        "  GreenWeight: {Type: Number, Default: 0}\nResources:\n"
        "  ProductionRule:\n"
        "    Type: AWS::ElasticLoadBalancingV2::ListenerRule\n"
        "    Metadata: {Slipway: {AwsTakes: anything}}\n",
    )  # fmt: skip
    file.write_text(text)
    moved = change("ProductionRule", "AWS::ElasticLoadBalancingV2::ListenerRule")
    moved["ResourceChange"]["Details"] = [{"Target": {"Attribute": "Properties", "Name": "Actions"}}]
    here.deployed().cloudformation.changes = [moved]

    planned = make(here.reread())

    assert planned.failure is not None
    assert 20 == planned.failure.exit_code
    assert "failed" == actions(planned)["app"]


def test_the_json_carries_what_would_be_lost(here: World) -> None:
    here.deployed()
    here.cloudformation.changes = [change("Database", "AWS::RDS::DBInstance", replacement="True")]

    nodes = {node["name"]: node for node in plan_report.as_json(make(here))["nodes"]}

    assert nodes["rds"]["changes"][0]["loses_data"]


def larger_database(here: World) -> None:
    """The database's stack, and it alone, would get another class."""
    here.deployed()
    here.cloudformation.empty |= {"orders-ecr", "orders-dev-vpc", "orders-dev-app"}
    larger = change("Database", "AWS::RDS::DBInstance")
    larger["ResourceChange"]["Details"] = [{"Target": {"Attribute": "Properties", "Name": "DBInstanceClass"}}]
    here.cloudformation.changes = [larger]


def test_what_interrupts_without_replacing_is_shown(here: World) -> None:
    larger_database(here)
    planned = make(here)
    [told] = plan_report.as_json(planned)["nodes"][2]["changes"]  # type: ignore[index]

    assert "! interrupts: DBInstanceClass: the database restarts at once" in shown(planned)
    assert ["DBInstanceClass: the database restarts at once"] == told["interrupts"]
    assert not told["loses_data"]
