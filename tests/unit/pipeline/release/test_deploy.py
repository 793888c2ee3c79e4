"""A release from guard to smoke tests, on fakes that keep state as AWS does."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import (
    BusyError,
    ImageError,
    ProtectedError,
    SmokeFailedError,
    StackFailedError,
    TemplateError,
    UsageError,
    WrongAccountError,
)
from pipeline.release import deploy as release
from pipeline.release.deploy import Released
from tests.support.fakes import Audience, FakeSession, FakeSts, client_error
from tests.support.small_project import DIGEST, OUTPUTS, REPOSITORY, SECRET, World, answering_world


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return answering_world(tmp_path, monkeypatch)


def deploy(world: World, **options: Any) -> tuple[Released, Audience]:
    audience = Audience()
    return release.deploy(world.context, audience, lambda _, __: None, **options), audience


def words(released: Released) -> dict[str, str]:
    return {name: o.result.word if o.result else o.ending.value for name, o in released.nodes.items()}


def test_a_first_deploy_creates_every_stack_and_tests_the_service(here: World) -> None:
    released, audience = deploy(here)

    assert released.failure is None
    assert {
        "ecr": "created",
        "vpc": "created",
        "rds": "created",
        "image": "unchanged",
        "app": "created",
    } == words(released)
    assert "http://lb" == released.url
    assert [True] * 4 == [check.passed for check in audience.checks]


def test_a_second_deploy_changes_nothing_with_one_describe_per_stack(here: World) -> None:
    deploy(here)
    here.cloudformation.log.clear()

    released, _ = deploy(here)

    assert {"unchanged"} == set(words(released).values())
    assert [] == here.cloudformation.log


def test_outputs_and_the_pipelines_own_values_reach_the_parameters(here: World) -> None:
    deploy(here)

    request = {p["ParameterKey"]: p["ParameterValue"] for p in here.cloudformation.last_request["Parameters"]}
    assert {
        "EnvironmentName": "dev",
        "VpcId": "vpc-1",
        "DatabaseEndpoint": "db.local",
        "ImageUri": f"{REPOSITORY}@{DIGEST}",
        "AllowedHttpMethods": "GET,HEAD,POST",
    } == request


def test_the_secret_is_made_before_its_stack_and_appears_nowhere(here: World) -> None:
    _, audience = deploy(here)

    value = here.ssm.values["/orders/dev/password"]["Value"]
    said = [f"{key} {request}" for key, request in here.ssm.values.items() if key != "/orders/dev/password"]
    assert "rds: created the secret /orders/dev/password" in audience.lines
    assert not [line for line in [*audience.lines, *said] if value in line]
    assert value not in str(here.cloudformation.last_request)


def test_an_edited_template_updates_its_stack_alone(here: World) -> None:
    deploy(here)
    here.cloudformation.log.clear()
    template = here.context.project.templates / "vpc.yaml"
    template.write_text(template.read_text() + "# edited\n")

    released, _ = deploy(here.reread())

    assert "updated" == words(released)["vpc"]
    assert {"unchanged"} == {word for name, word in words(released).items() if name != "vpc"}


def test_what_a_change_interrupts_is_said_before_it_is_made(here: World) -> None:
    deploy(here)
    template = here.context.project.templates / "rds.yaml"
    template.write_text(template.read_text() + "# edited\n")
    here.cloudformation.changes = [
        {
            "ResourceChange": {
                "Action": "Modify",
                "LogicalResourceId": "Database",
                "ResourceType": "AWS::RDS::DBInstance",
                "Replacement": "False",
                "Details": [{"Target": {"Attribute": "Properties", "Name": "EngineVersion"}}],
            }
        }
    ]

    _, audience = deploy(here.reread())
    text = "\n".join(audience.lines)

    interrupts = "rds: interrupts Database: EngineVersion: the database restarts at once"
    assert text.index(interrupts) < text.index("rds: UPDATE_IN_PROGRESS")


def test_without_its_fingerprint_a_stack_is_asked_for_changes_and_gets_one_again(here: World) -> None:
    here.deployed()
    here.cloudformation.empty |= {"orders-ecr", "orders-dev-vpc", "orders-dev-rds", "orders-dev-app"}
    deploy(here)
    here.cloudformation.log.clear()

    released, _ = deploy(here)

    assert {"unchanged"} == set(words(released).values())
    assert [] == here.cloudformation.log


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_FAILED"])
def test_a_stack_that_only_has_our_name_is_neither_changed_nor_cleared_away(here: World, status: str) -> None:
    stack_id = here.cloudformation.have("orders-dev-vpc", status)
    here.cloudformation.stacks[stack_id]["Tags"] = []
    here.cloudformation.resources = {"Theirs": ("AWS::S3::Bucket", "their-bucket")}

    released, _ = deploy(here)

    assert isinstance(released.failure, ProtectedError)
    assert (
        "stack orders-dev-vpc was not made by Slipway, and holds Theirs, which infra/vpc.yaml does not have"
        == released.failure.what
    )
    assert not [line for line in here.cloudformation.log if "orders-dev-vpc" in line]


def test_a_stack_that_was_deployed_by_hand_from_the_template_is_taken_over(here: World) -> None:
    stack_id = here.cloudformation.have("orders-dev-vpc", "CREATE_COMPLETE")
    here.cloudformation.stacks[stack_id]["Tags"] = []
    here.cloudformation.resources = {"Vpc": ("AWS::EC2::VPC", "vpc-1")}

    released, _ = deploy(here)

    assert "updated" == words(released)["vpc"]
    assert {"Key": "managed-by", "Value": "slipway"} in here.cloudformation.stacks[stack_id]["Tags"]


def test_a_failed_stack_stops_its_dependents_and_the_next_run_carries_on(here: World) -> None:
    here.cloudformation.next_ends["orders-dev-rds"] = ["ROLLBACK_COMPLETE"]
    here.cloudformation.failures = [("Database", "AWS::RDS::DBInstance", "no capacity")]

    failed, _ = deploy(here)
    here.cloudformation.next_ends.clear()
    here.cloudformation.failures.clear()
    released, _ = deploy(here)

    assert isinstance(failed.failure, StackFailedError)
    assert "no capacity" in failed.failure.why
    assert {
        "ecr": "created",
        "vpc": "created",
        "image": "unchanged",
        "rds": "failed",
        "app": "not started",
    } == words(failed)
    assert released.failure is None
    assert {"vpc": "unchanged", "rds": "created", "app": "created"} == {
        name: words(released)[name] for name in ("vpc", "rds", "app")
    }


def test_a_deploy_whose_fingerprint_can_not_be_kept_is_a_deploy_all_the_same(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = here.ssm.put_parameter

    def all_but_the_memory(**request: Any) -> Any:
        if request["Name"].endswith("/deployed"):
            raise client_error("PutParameter", "TooManyUpdates", "There are concurrent updates")
        return shipped(**request)

    monkeypatch.setattr(here.ssm, "put_parameter", all_but_the_memory)
    released, audience = deploy(here)

    assert released.failure is None
    assert [True] * 4 == [check.passed for check in audience.checks]


def test_the_wrong_account_is_refused_before_anything_else(here: World) -> None:
    here.context.aws._clients["sts"] = FakeSts("1" * 12)  # type: ignore[attr-defined]

    with pytest.raises(WrongAccountError):
        deploy(here)

    assert {} == here.ssm.values
    assert [] == here.cloudformation.log


def test_two_deploys_at_the_same_time_are_one_too_many(here: World) -> None:
    here.ssm.put_parameter(Name="/slipway/orders/dev/lock", Value="{}", Type="String", Overwrite=False)

    with pytest.raises(BusyError):
        deploy(here)

    assert [] == here.cloudformation.log


def test_a_second_deploy_waits_for_the_first_and_says_for_whom(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, shipped, looks = "/slipway/orders/dev/lock", here.ssm.get_parameter, iter(range(3))
    here.ssm.put_parameter(Name=name, Value="{}", Type="String", Overwrite=False)

    def at_work_for_three_looks(**request: Any) -> Any:
        answer = shipped(**request)
        if request["Name"] == name and next(looks, None) == 2:
            here.ssm.delete_parameter(Name=name)
        return answer

    monkeypatch.setattr(here.ssm, "get_parameter", at_work_for_three_looks)
    released, audience = deploy(here)

    assert released.failure is None
    assert "lock: somebody on an unknown machine is in the middle of `unknown`" in "\n".join(audience.lines)


def test_the_lock_is_gone_afterwards(here: World) -> None:
    deploy(here)

    assert not [name for name in here.ssm.values if name.endswith("lock")]


def test_a_named_image_is_released_without_a_build(here: World) -> None:
    deploy(here)
    other = "sha256:" + "b" * 64
    here.ecr.images[other] = [FakeSession.version + "x"]

    released, _ = deploy(here, image_uri=f"{REPOSITORY}@{other}")

    assert f"{REPOSITORY}@{other}" == released.image
    assert FakeSession.version + "x" == released.version
    assert isinstance(released.failure, SmokeFailedError)


def test_a_named_image_leaves_its_repository_alone_for_other_environments_have_it_too(here: World) -> None:
    deploy(here)
    here.cloudformation.log.clear()
    template = here.context.project.templates / "ecr.yaml"
    template.write_text(template.read_text() + "# edited\n")

    released, _ = deploy(here.reread(), image_uri=f"{REPOSITORY}@{DIGEST}")

    assert "left alone" == words(released)["ecr"]
    assert [] == here.cloudformation.log


def test_a_repository_left_alone_that_lacks_a_new_output_is_refused_before_anything_is_touched(
    here: World,
) -> None:
    deploy(here)
    here.cloudformation.log.clear()
    before = dict(here.ssm.values)
    for name, old, new in (
        ("ecr", "RepositoryUri: {Value: x}", "RepositoryUri: {Value: x}, RepositoryName: {Value: x}"),
        ("app", "  VpcId: {Type: String}", "  VpcId: {Type: String}\n  RepositoryName: {Type: String}"),
    ):
        template = here.context.project.templates / f"{name}.yaml"
        template.write_text(template.read_text().replace(old, new))

    with pytest.raises(TemplateError) as refused:
        deploy(here.reread(), image_uri=f"{REPOSITORY}@{DIGEST}")

    assert "ecr gives no output RepositoryName, which app needs" == refused.value.what
    assert "deploy once without --image: python -m pipeline deploy dev" == refused.value.next_step
    assert ([], before) == (here.cloudformation.log, here.ssm.values)


def test_an_output_whose_condition_is_false_fails_the_deploy_with_its_summary(here: World) -> None:
    here.cloudformation.outputs_of = {**OUTPUTS, "orders-dev-vpc": {"Another": "x"}}

    released, _ = deploy(here)

    assert isinstance(released.failure, TemplateError)
    assert "vpc gives no output VpcId, which rds needs" == released.failure.what
    assert ("created", "failed", "not started") == tuple(
        words(released)[name] for name in ("vpc", "rds", "app")
    )


def test_a_named_image_that_is_not_there_is_refused_before_anything_is_touched(here: World) -> None:
    here.deployed()

    with pytest.raises(ImageError):
        deploy(here, image_uri=f"{REPOSITORY}@sha256:{'c' * 64}")

    assert [] == here.cloudformation.log
    assert {SECRET} == set(here.ssm.values)


def test_a_named_image_needs_a_repository(here: World) -> None:
    with pytest.raises(ImageError) as refused:
        deploy(here, image_uri=f"{REPOSITORY}@{DIGEST}")

    assert "there is no image repository in this account yet" == refused.value.what


def test_a_version_that_does_not_serve_fails_the_deploy(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSession, "version", "another")

    released, _ = deploy(here)

    assert isinstance(released.failure, SmokeFailedError)


def test_a_fault_in_the_smoke_file_is_told_before_anything_is_touched(here: World) -> None:
    (here.context.project.app / "smoke.yaml").write_text("prob: /\n")

    with pytest.raises(UsageError):
        deploy(here)

    assert [] == here.cloudformation.log


def test_a_fault_of_slipway_itself_is_raised_and_the_lock_is_released(here: World) -> None:
    here.context.aws._clients["ecr"] = None  # type: ignore[attr-defined]

    with pytest.raises(AttributeError):
        deploy(here)

    assert not [name for name in here.ssm.values if name.endswith("lock")]


def test_the_environments_of_one_account_take_turns_on_an_account_wide_stack(here: World) -> None:
    name = "/slipway/orders/lock"
    here.ssm.put_parameter(Name=name, Value="{}", Type="String", Overwrite=False)

    def the_other_ends(seconds: float) -> None:
        here.time.sleep(seconds)
        here.ssm.values.pop(name, None)

    object.__setattr__(here.context, "sleep", the_other_ends)
    released, _ = deploy(here)

    assert "created" == words(released)["ecr"]
    assert name not in here.ssm.values


def test_what_aws_would_refuse_is_told_before_anything_is_touched(here: World) -> None:
    file = here.context.project.root / "infra/vpc.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("10.0.0.0/16", "10.0.0.0/8"), encoding="utf-8")

    with pytest.raises(TemplateError, match="AWS would refuse"):
        deploy(here.reread())

    assert {} == here.cloudformation.stacks
